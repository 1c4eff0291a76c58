-- more applied than there was: the balance is on the other side of its document
with over_applied as (
    select
        'over_applied:' || document.document_id as finding_id,
        'different' as finding,
        document.document_id,
        abs(balance.open_amount) as amount,
        'more is applied to ' || document.document_type || ' ' || coalesce(document.number, document.document_id)
        || ' than it came to' as detail,
        'cash_application' as owner
    from {{ ref('int_document_balance') }} as balance
    inner join {{ ref('int_receivable_document') }} as document on balance.document_id = document.document_id
    where sign(document.amount) <> sign(balance.open_amount)
),

-- what their sources say, for an amount in an unknown currency has no canonical document
source_documents as (
    select txn.document_id, txn.number, currency.currency, abs(txn.total_amount) as amount
    from {{ ref('stg_netsuite__transaction') }} as txn
    left join {{ ref('stg_netsuite__currency') }} as currency
        on txn.connection = currency.connection and txn.currency_id = currency.currency_id
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on txn.document_id = gone.record_key and gone.is_transaction
    where not txn.is_deleted
        and gone.record_key is null
        and txn.transaction_type in ('CustInvc', 'CustPymt', 'CustCred', 'CustRfnd')

    union all

    select document_id, number, currency, abs(amount) as amount
    from {{ ref('stg_files__invoice') }}
    where not is_deleted
),

unknown_currency as (
    select
        'unknown_currency:' || source_documents.document_id as finding_id,
        'extra' as finding,
        source_documents.document_id,
        source_documents.amount,
        'currency ' || coalesce(source_documents.currency, '(none)') || ' of '
        || coalesce(source_documents.number, source_documents.document_id)
        || ' is not one of ISO 4217 that arsync knows: it is in no balance' as detail,
        'finance_systems' as owner
    from source_documents
    left join {{ ref('iso_currency') }} as iso on source_documents.currency = iso.currency
    where iso.currency is null
),

due_too_early as (
    select
        'due_before_date:' || item.item_id as finding_id,
        'different' as finding,
        item.document_id,
        item.amount,
        'due on ' || cast(item.due_date as {{ dbt.type_string() }}) || ', before the invoice date '
        || cast(item.document_date as {{ dbt.type_string() }}) as detail,
        'accounts_receivable' as owner
    from {{ ref('fct_receivable_item') }} as item
    where item.item_type = 'invoice' and item.due_date < item.document_date
),

-- what the control account holds of a transaction that is none of receivables
posted_only as (
    select
        'posted_only:' || line.document_id as finding_id,
        'extra' as finding,
        line.document_id,
        sum(line.amount) as amount,
        min(line.transaction_type) || ' posts to a control account and is no document of receivables' as detail,
        'finance_systems' as owner,
        min(line.legal_entity_id) as legal_entity_id,
        min(line.currency) as currency
    from {{ ref('int_netsuite__ar_line') }} as line
    left join {{ ref('int_netsuite__document') }} as document on line.document_id = document.document_id
    where document.document_id is null
    group by line.document_id
    having sum(line.amount) <> 0
),

findings as (
    select over_applied.*, cast(null as {{ dbt.type_string() }}) as legal_entity_id, cast(null as {{ dbt.type_string() }}) as currency
    from over_applied
    union all
    select unknown_currency.*, null, null from unknown_currency
    union all
    select due_too_early.*, null, null from due_too_early
    union all
    select * from posted_only
)

select
    findings.finding_id,
    findings.finding,
    coalesce(document.connection, split_part(findings.document_id, ':', 1)) as connection,
    findings.document_id as business_key,
    coalesce(customer.customer_id, document.source_customer_id) as customer_id,
    coalesce(document.legal_entity_id, findings.legal_entity_id) as legal_entity_id,
    cast(findings.amount as {{ type_total() }}) as amount,
    coalesce(document.currency, findings.currency) as currency,
    findings.detail,
    findings.owner,
    false as is_repairable
from findings
left join {{ ref('int_receivable_document') }} as document on findings.document_id = document.document_id
left join {{ ref('int_customer_record__clustered') }} as customer on document.source_customer_id = customer.record_key
