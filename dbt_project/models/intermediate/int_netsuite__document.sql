{%- set inputs = [
    ['stg_netsuite__transaction', 'document_id'],
    ['stg_netsuite__deleted_record', 'record_key'],
    ['int_netsuite__ar_line', 'document_id'],
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_changed(['document_id'], " ~ inputs ~ ") }}",
    post_hook=["{{ drop_seen() }}", "{{ write_seen(" ~ inputs ~ ") }}"]
) }}

with changed as ({{ changed_keys(inputs) }}),

transactions as (
    select *
    from {{ ref('stg_netsuite__transaction') }}
    where transaction_type in ('CustInvc', 'CustPymt', 'CustCred', 'CustRfnd', 'Journal')
    {% if is_incremental() %}and document_id in (select changed_key from changed){% endif %}
),

-- a journal's receivable is what it posts to the control account
journal_amounts as (
    select document_id, sum(amount) as amount, min(entity_id) as entity_id
    from {{ ref('int_netsuite__ar_line') }}
    where transaction_type = 'Journal'
    group by document_id
),

documents as (
    select
        transactions.*,
        currency.currency,
        iso.minor_unit,
        gone.record_key is not null as is_logged_deleted,
        coalesce(transactions.entity_id, journal_amounts.entity_id) as customer_entity_id,
        case transactions.transaction_type
            when 'CustInvc' then 'invoice'
            when 'CustPymt' then 'payment'
            when 'CustCred' then 'credit_memo'
            when 'CustRfnd' then 'refund'
            else 'journal'
        end as document_type,
        case
            when transactions.transaction_type in ('CustInvc', 'CustRfnd') then abs(transactions.total_amount)
            when transactions.transaction_type in ('CustPymt', 'CustCred') then -abs(transactions.total_amount)
            -- one scale in all branches: the common type would round before the currency does
            else cast(coalesce(journal_amounts.amount, 0) as decimal(18, 5))
        end as signed_amount
    from transactions
    left join journal_amounts on transactions.document_id = journal_amounts.document_id
    left join {{ ref('stg_netsuite__currency') }} as currency
        on transactions.connection = currency.connection and transactions.currency_id = currency.currency_id
    left join {{ ref('iso_currency') }} as iso on currency.currency = iso.currency
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on transactions.document_id = gone.record_key and gone.is_transaction
)

select
    document_id,
    connection,
    transaction_id as source_id,
    document_type,
    number,
    connection || ':' || customer_entity_id as source_customer_id,
    connection || ':' || subsidiary_id as legal_entity_id,
    transaction_date as document_date,
    due_date,
    currency,
    cast({{ round_money('signed_amount', 'minor_unit') }} as {{ type_money() }}) as amount,
    cast(exchange_rate as decimal(18, 9)) as exchange_rate,
    case when terms_id is not null then connection || ':' || terms_id end as payment_terms_id,
    is_voided,
    is_reversal,
    case when is_voided then coalesce(close_date, cast(modified_at as date)) end as voided_fallback_date,
    dispute_reason,
    cast({{ round_money('coalesce(disputed_amount, 0)', 'minor_unit') }} as {{ type_money() }}) as disputed_amount,
    external_id,
    memo,
    is_deleted or is_logged_deleted as is_deleted,
    {{ run_seq() }} as _seq,
    _loaded_at as known_at
from documents
