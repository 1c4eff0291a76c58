{%- set inputs = [
    ['stg_netsuite__transaction', 'document_id'],
    ['stg_netsuite__transaction_line', 'document_id'],
    ['stg_netsuite__transaction_accounting_line', 'document_id'],
    ['stg_netsuite__deleted_record', 'record_key'],
] -%}
{%- set columns = [
    'transaction_document_id', 'line_id', 'account_id', 'connection', 'transaction_type', 'transaction_date',
    'legal_entity_id', 'entity_id', 'currency', 'amount', 'functional_amount',
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_changed(['transaction_document_id'], " ~ inputs ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ") }}"
) }}

with control_accounts as (
    select connection, account_id from {{ ref('stg_netsuite__account') }} where account_type = 'AcctRec'
),

postings as (
    select posting.document_id, posting.line_id, posting.account_id, posting.functional_amount
    from {{ ref('stg_netsuite__transaction_accounting_line') }} as posting
    inner join control_accounts
        on posting.connection = control_accounts.connection and posting.account_id = control_accounts.account_id
    where not posting.is_deleted and posting.is_posting
    {% if is_incremental() %}and posting.document_id in ({{ changed_keys(inputs) }}){% endif %}
),
{%- for name, model in [('posting_lines', 'stg_netsuite__transaction_line'), ('transactions', 'stg_netsuite__transaction')] %}

{{ name }} as (
    select * from {{ ref(model) }}
    where not is_deleted{% if is_incremental() %} and document_id in ({{ changed_keys(inputs) }}){% endif %}
),
{%- endfor %}

lines as (
    select
        postings.document_id as transaction_document_id,
        postings.line_id,
        postings.account_id,
        txn.connection,
        txn.transaction_type,
        txn.transaction_date,
        txn.connection || ':' || coalesce(line.subsidiary_id, txn.subsidiary_id) as legal_entity_id,
        coalesce(line.entity_id, txn.entity_id) as entity_id,
        currency.currency,
        -- a currency revaluation is in the legal entity's currency and moves nothing in the documents' own
        case
            when txn.transaction_type = 'FxReval' then 0
            else cast({{ round_money('line.amount', 'iso.minor_unit') }} as {{ type_money() }})
        end as amount,
        cast(postings.functional_amount as {{ type_money() }}) as functional_amount
    from postings
    inner join posting_lines as line
        on postings.document_id = line.document_id and postings.line_id = line.line_id
    inner join transactions as txn
        on postings.document_id = txn.document_id
    left join {{ ref('stg_netsuite__currency') }} as currency
        on txn.connection = currency.connection and txn.currency_id = currency.currency_id
    left join {{ ref('iso_currency') }} as iso on currency.currency = iso.currency
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on postings.document_id = gone.record_key and gone.is_transaction
    where gone.record_key is null
),

-- a journal of several customers or legal entities is one document for each, named by the first of its lines
headed as (
    select
        lines.*,
        min(coalesce(legal_entity_id, '') || '|' || coalesce(entity_id, '')) over (partition by transaction_document_id)
        <> max(coalesce(legal_entity_id, '') || '|' || coalesce(entity_id, '')) over (partition by transaction_document_id)
            as is_split,
        first_value(line_id) over (
            partition by transaction_document_id, legal_entity_id, entity_id order by length(line_id), line_id
        ) as head_line_id
    from lines
    where transaction_type = 'Journal'
),

documents as (
    select lines.*, transaction_document_id as document_id from lines where transaction_type <> 'Journal'

    union all

    select
        {% for column in columns %}{{ column }}, {% endfor %}
        case when is_split then transaction_document_id || ':line:' || head_line_id else transaction_document_id end as document_id
    from headed
)

select
    document_id,
    {% for column in columns %}{{ column }},
    {% endfor %}
    {{ run_seq() }} as _seq
from documents
