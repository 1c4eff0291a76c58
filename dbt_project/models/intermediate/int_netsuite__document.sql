{%- set inputs = [
    ['stg_netsuite__transaction', 'document_id'],
    ['stg_netsuite__deleted_record', 'record_key'],
    ['int_netsuite__ar_line', 'transaction_document_id'],
    ['stg_netsuite__transaction_link', 'previous_document_id'],
    ['stg_netsuite__transaction_link', 'next_document_id'],
] -%}
{%- set settings = [
    ['stg_arsync__legal_entity', ['legal_entity_id', 'time_zone']],
    ['stg_netsuite__subsidiary', ['legal_entity_id', 'currency_id']],
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    meta={'added': ['functional_amount']},
    pre_hook="{{ forget_changed(['transaction_document_id'], " ~ inputs ~ ", " ~ settings ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ", " ~ settings ~ ") }}"
) }}
{%- set only_changed = rows_stand(settings) %}

with transactions as (
    select *
    from {{ ref('stg_netsuite__transaction') }}
    where transaction_type in ('CustInvc', 'CustPymt', 'CustCred', 'CustRfnd', 'DepAppl', 'Journal', 'FxReval')
    {% if only_changed %}and document_id in ({{ changed_keys(inputs) }}){% endif %}
),

-- what documents post to control accounts, in their own currency and in the legal entity's
postings as (
    select
        document_id,
        min(transaction_document_id) as transaction_document_id,
        min(transaction_type) as transaction_type,
        sum(amount) as amount,
        sum(functional_amount) as functional_amount,
        min(entity_id) as entity_id,
        min(legal_entity_id) as legal_entity_id
    from {{ ref('int_netsuite__ar_line') }}
    {% if only_changed %}where transaction_document_id in ({{ changed_keys(inputs) }}){% endif %}
    group by document_id
),

-- a journal's receivable is what it posts
journals as (
    select * from postings where transaction_type = 'Journal'
),

-- open balances revalued at the end of a month; what settlements realised is told by their documents' rates
revaluations as (
    select distinct posting.document_id
    from {{ ref('stg_netsuite__transaction_accounting_line') }} as posting
    inner join {{ ref('stg_netsuite__account') }} as account
        on posting.connection = account.connection
        and posting.account_id = account.account_id
        and lower(account.name) like '%unreali%'
    where not posting.is_deleted
        and posting.document_id in (select document_id from transactions where transaction_type = 'FxReval')
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
        heads.is_none or (transactions.transaction_type = 'FxReval' and revaluations.document_id is null) as is_none,
        coalesce(heads.legal_entity_id, transactions.connection || ':' || transactions.subsidiary_id) as legal_entity_id,
        currency.currency,
        iso.minor_unit,
        functional_currency.currency as functional_currency,
        functional_iso.minor_unit as functional_minor_unit,
        postings.amount as posted_amount,
        postings.functional_amount as posted_functional_amount,
        gone.record_key is not null as is_logged_deleted,
        {{ local_date('voids.first_modified_at', "coalesce(entity.time_zone, 'UTC')") }} as first_void_date,
        coalesce(heads.entity_id, transactions.entity_id) as customer_entity_id,
        case transactions.transaction_type
            when 'CustInvc' then 'invoice'
            when 'CustPymt' then 'payment'
            when 'CustCred' then 'credit_memo'
            when 'CustRfnd' then 'refund'
            when 'DepAppl' then 'deposit'
            when 'FxReval' then 'revaluation'
            else 'journal'
        end as document_type,
        case
            when transactions.transaction_type in ('CustInvc', 'CustRfnd') then abs(transactions.total_amount)
            when transactions.transaction_type in ('CustPymt', 'CustCred', 'DepAppl') then -abs(transactions.total_amount)
            -- one scale in all branches: the common type would round before the currency does
            when transactions.transaction_type = 'Journal' then cast(coalesce(heads.amount, 0) as decimal(18, 5))
            else cast(0 as decimal(18, 5))
        end as signed_amount,
        case
            when transactions.is_voided or transactions.transaction_type <> 'CustPymt' then 0
            -- what a payment posts beyond the money that came in
            else greatest(-postings.amount - abs(transactions.total_amount), 0)
        end as discount_amount
    from heads
    inner join transactions on heads.transaction_document_id = transactions.document_id
    left join postings on heads.document_id = postings.document_id
    left join revaluations on heads.document_id = revaluations.document_id
    left join {{ ref('stg_netsuite__currency') }} as currency
        on transactions.connection = currency.connection and transactions.currency_id = currency.currency_id
    left join {{ ref('iso_currency') }} as iso on currency.currency = iso.currency
    left join {{ ref('stg_netsuite__subsidiary') }} as subsidiary
        on coalesce(heads.legal_entity_id, transactions.connection || ':' || transactions.subsidiary_id)
        = subsidiary.legal_entity_id
    left join {{ ref('stg_netsuite__currency') }} as functional_currency
        on subsidiary.connection = functional_currency.connection
        and subsidiary.currency_id = functional_currency.currency_id
    left join {{ ref('iso_currency') }} as functional_iso on functional_currency.currency = functional_iso.currency
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on transactions.document_id = gone.record_key and gone.is_transaction
    left join {{ ref('stg_netsuite__transaction_void') }} as voids on transactions.document_id = voids.document_id
    left join {{ ref('stg_arsync__legal_entity') }} as entity
        on transactions.connection || ':' || transactions.subsidiary_id = entity.legal_entity_id
),

rounded as (
    select
        documents.*,
        cast({{ round_money('signed_amount', 'minor_unit') }} as {{ type_money() }}) as amount,
        cast({{ round_money('coalesce(discount_amount, 0)', 'minor_unit') }} as {{ type_money() }}) as exact_discount_amount,
        currency = functional_currency as is_domestic
    from documents
),

discounted as (
    select
        rounded.*,
        case
            when is_domestic or exact_discount_amount = 0 then exact_discount_amount
            else {{ convert_money('exact_discount_amount', 'exchange_rate', '1', 'functional_minor_unit') }}
        end as functional_discount_amount
    from rounded
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
    amount,
    functional_currency,
    -- as it was posted; at its own rate where its postings are none of its amount, or none were read
    cast(
        case
            when is_domestic and amount <> 0 then amount
            when document_type in ('journal', 'revaluation') then coalesce(posted_functional_amount, 0)
            when posted_amount = amount - exact_discount_amount then posted_functional_amount + functional_discount_amount
            else {{ convert_money('amount', 'exchange_rate', '1', 'functional_minor_unit') }}
        end as {{ type_money() }}
    ) as functional_amount,
    cast(exchange_rate as decimal(18, 9)) as exchange_rate,
    case when terms_id is not null then connection || ':' || terms_id end as payment_terms_id,
    is_voided,
    is_reversal,
    case when is_voided then coalesce(close_date, first_void_date) end as voided_fallback_date,
    dispute_reason,
    cast({{ round_money('coalesce(disputed_amount, 0)', 'minor_unit') }} as {{ type_money() }}) as disputed_amount,
    exact_discount_amount as discount_amount,
    cast(functional_discount_amount as {{ type_money() }}) as functional_discount_amount,
    external_id,
    memo,
    is_deleted or is_logged_deleted or is_none as is_deleted,
    {{ run_seq() }} as _seq,
    _loaded_at as known_at
from discounted
