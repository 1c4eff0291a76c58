{%- set inputs = [
    ['stg_netsuite__transaction', 'document_id'],
    ['stg_netsuite__deleted_record', 'record_key'],
    ['int_netsuite__ar_line', 'transaction_document_id'],
    ['stg_netsuite__transaction_link', 'previous_document_id'],
    ['stg_netsuite__transaction_link', 'next_document_id'],
] -%}
{%- set settings = [['stg_arsync__legal_entity', ['legal_entity_id', 'time_zone']]] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_changed(['transaction_document_id'], " ~ inputs ~ ", " ~ settings ~ ") }}",
    post_hook=["{{ drop_seen() }}", "{{ write_seen(" ~ inputs ~ ", " ~ settings ~ ") }}"]
) }}

with changed as ({{ changed_keys(inputs) }}),

transactions as (
    select *
    from {{ ref('stg_netsuite__transaction') }}
    where transaction_type in ('CustInvc', 'CustPymt', 'CustCred', 'CustRfnd', 'DepAppl', 'Journal')
    {% if rows_stand(settings) %}and document_id in (select changed_key from changed){% endif %}
),

-- a journal's receivable is what it posts to the control account
journals as (
    select
        document_id,
        min(transaction_document_id) as transaction_document_id,
        sum(amount) as amount,
        min(entity_id) as entity_id,
        min(legal_entity_id) as legal_entity_id
    from {{ ref('int_netsuite__ar_line') }}
    where transaction_type = 'Journal'
    group by document_id
),

-- what a payment posts beyond the money that came in is the discount that it took
payments as (
    select transaction_document_id, -sum(amount) as posted_amount
    from {{ ref('int_netsuite__ar_line') }}
    where transaction_type = 'CustPymt'
        and transaction_document_id in (select document_id from transactions where transaction_type = 'CustPymt')
    group by transaction_document_id
),

split_journals as (
    select distinct transaction_document_id from journals where document_id <> transaction_document_id
),

-- every line once, those that are gone too: what heads no document any more is to be taken back
journal_lines as (
    select distinct posting.document_id as transaction_document_id, posting.line_id
    from {{ ref('stg_netsuite__transaction_accounting_line') }} as posting
    inner join {{ ref('stg_netsuite__account') }} as account
        on posting.connection = account.connection
        and posting.account_id = account.account_id
        and account.account_type = 'AcctRec'
    where posting.document_id in (select document_id from transactions where transaction_type = 'Journal')
),

heads as (
    select
        transactions.document_id as transaction_document_id,
        transactions.document_id,
        transactions.transaction_id as source_id,
        journals.amount,
        journals.entity_id,
        journals.legal_entity_id,
        split_journals.transaction_document_id is not null as is_none
    from transactions
    left join journals on transactions.document_id = journals.document_id
    left join split_journals on transactions.document_id = split_journals.transaction_document_id

    union all

    select
        transactions.document_id as transaction_document_id,
        transactions.document_id || ':line:' || journal_lines.line_id as document_id,
        transactions.transaction_id || ':line:' || journal_lines.line_id as source_id,
        journals.amount,
        journals.entity_id,
        journals.legal_entity_id,
        journals.document_id is null as is_none
    from journal_lines
    inner join transactions on journal_lines.transaction_document_id = transactions.document_id
    left join journals
        on journal_lines.transaction_document_id || ':line:' || journal_lines.line_id = journals.document_id
),

documents as (
    select
        transactions.*,
        heads.document_id as head_document_id,
        heads.source_id,
        heads.is_none,
        coalesce(heads.legal_entity_id, transactions.connection || ':' || transactions.subsidiary_id) as legal_entity_id,
        currency.currency,
        iso.minor_unit,
        gone.record_key is not null as is_logged_deleted,
        {{ local_date('voids.first_modified_at', "coalesce(entity.time_zone, 'UTC')") }} as first_void_date,
        coalesce(heads.entity_id, transactions.entity_id) as customer_entity_id,
        case transactions.transaction_type
            when 'CustInvc' then 'invoice'
            when 'CustPymt' then 'payment'
            when 'CustCred' then 'credit_memo'
            when 'CustRfnd' then 'refund'
            when 'DepAppl' then 'deposit'
            else 'journal'
        end as document_type,
        case
            when transactions.transaction_type in ('CustInvc', 'CustRfnd') then abs(transactions.total_amount)
            when transactions.transaction_type in ('CustPymt', 'CustCred', 'DepAppl') then -abs(transactions.total_amount)
            -- one scale in all branches: the common type would round before the currency does
            else cast(coalesce(heads.amount, 0) as decimal(18, 5))
        end as signed_amount,
        case
            when transactions.is_voided then 0 else greatest(payments.posted_amount - abs(transactions.total_amount), 0)
        end as discount_amount
    from heads
    inner join transactions on heads.transaction_document_id = transactions.document_id
    left join payments on transactions.document_id = payments.transaction_document_id
    left join {{ ref('stg_netsuite__currency') }} as currency
        on transactions.connection = currency.connection and transactions.currency_id = currency.currency_id
    left join {{ ref('iso_currency') }} as iso on currency.currency = iso.currency
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on transactions.document_id = gone.record_key and gone.is_transaction
    left join {{ ref('stg_netsuite__transaction_void') }} as voids on transactions.document_id = voids.document_id
    left join {{ ref('stg_arsync__legal_entity') }} as entity
        on transactions.connection || ':' || transactions.subsidiary_id = entity.legal_entity_id
)

select
    head_document_id as document_id,
    document_id as transaction_document_id,
    connection,
    source_id,
    document_type,
    number,
    connection || ':' || customer_entity_id as source_customer_id,
    legal_entity_id,
    transaction_date as document_date,
    due_date,
    currency,
    cast({{ round_money('signed_amount', 'minor_unit') }} as {{ type_money() }}) as amount,
    cast(exchange_rate as decimal(18, 9)) as exchange_rate,
    case when terms_id is not null then connection || ':' || terms_id end as payment_terms_id,
    is_voided,
    is_reversal,
    case when is_voided then coalesce(close_date, first_void_date) end as voided_fallback_date,
    dispute_reason,
    cast({{ round_money('coalesce(disputed_amount, 0)', 'minor_unit') }} as {{ type_money() }}) as disputed_amount,
    cast({{ round_money('coalesce(discount_amount, 0)', 'minor_unit') }} as {{ type_money() }}) as discount_amount,
    external_id,
    memo,
    is_deleted or is_logged_deleted or is_none as is_deleted,
    {{ run_seq() }} as _seq,
    _loaded_at as known_at
from documents
