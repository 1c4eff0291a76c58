with source_rows as (
    select txn.connection, txn.transaction_type as object, currency.currency, txn.document_id, abs(txn.total_amount) as amount
    from {{ ref('stg_netsuite__transaction') }} as txn
    left join {{ ref('stg_netsuite__currency') }} as currency
        on txn.connection = currency.connection and txn.currency_id = currency.currency_id
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on txn.document_id = gone.record_key and gone.is_transaction
    where not txn.is_deleted
        and gone.record_key is null
        and txn.transaction_type in ('CustInvc', 'CustPymt', 'CustCred', 'CustRfnd')

    union all

    select connection, 'CustInvc' as object, coalesce(currency, '') as currency, document_id, abs(amount) as amount
    from {{ ref('stg_files__invoice') }}
    where not is_deleted

    union all

    select
        invoice.connection,
        case when invoice.total_amount < 0 then 'CustCred' else 'CustInvc' end as object,
        currency.currency,
        invoice.connection || ':' || invoice.invoice_id as document_id,
        abs(invoice.total_amount) as amount
    from {{ ref('stg_tryton__invoice') }} as invoice
    inner join {{ ref('stg_tryton__move') }} as move
        on invoice.connection = move.connection and invoice.move_id = move.move_id
    left join {{ ref('stg_tryton__currency') }} as currency
        on invoice.connection = currency.connection and invoice.currency_id = currency.currency_id
    where not invoice.is_deleted and not move.is_deleted and move.state = 'posted'
),

sources as (
    select
        source_rows.connection,
        case object
            when 'CustInvc' then 'invoice' when 'CustPymt' then 'payment' when 'CustCred' then 'credit_memo' else 'refund'
        end as object,
        source_rows.currency,
        count(*) as row_count,
        sum(source_rows.amount) as total
    from source_rows
    -- what is in an unknown currency is a finding of recon_document, and in no balance
    inner join {{ ref('iso_currency') }} as iso on source_rows.currency = iso.currency
    group by 1, 2, 3
),

canonical as (
    select
        document.connection,
        case when connection.vendor = 'files' and document.document_type = 'credit_memo' then 'invoice' else document.document_type end as object,
        document.currency,
        count(*) as row_count,
        sum(abs(document.amount)) as total
    from {{ ref('int_receivable_document') }} as document
    inner join {{ ref('stg_arsync__connection') }} as connection on document.connection = connection.connection
    where document.document_type in ('invoice', 'payment', 'credit_memo', 'refund')
        -- payments that the source has no record of its own for: read from a settled date, or from ledger lines
        and not (connection.vendor = 'files' and document.document_type = 'payment')
        and not (connection.vendor = 'tryton' and document.document_type in ('payment', 'refund'))
    group by 1, 2, 3
),

desired as (
    select connection, currency, count(*) as row_count, sum(open_amount) as total
    from {{ ref('int_salesforce__invoice_desired') }}
    group by connection, currency
),

held as (
    select record.connection, record.currency, count(*) as row_count, sum(record.open_amount) as total
    from {{ ref('stg_salesforce__ar_invoice') }} as record
    inner join {{ ref('stg_arsync__connection') }} as connection
        on record.connection = connection.connection and connection.role = 'crm'
    where not record.is_deleted
    group by record.connection, record.currency
),

compared as (
    select
        'raw to canonical' as step,
        coalesce(sources.connection, canonical.connection) as connection,
        coalesce(sources.object, canonical.object) as object,
        coalesce(sources.currency, canonical.currency) as currency,
        coalesce(sources.row_count, 0) as expected_count,
        coalesce(canonical.row_count, 0) as actual_count,
        coalesce(sources.total, 0) as expected_amount,
        coalesce(canonical.total, 0) as actual_amount
    from sources
    full outer join canonical
        on sources.connection = canonical.connection
        and sources.object = canonical.object
        and (sources.currency = canonical.currency)

    union all

    select
        'canonical to CRM' as step,
        coalesce(desired.connection, held.connection) as connection,
        'invoice' as object,
        coalesce(desired.currency, held.currency) as currency,
        coalesce(desired.row_count, 0) as expected_count,
        coalesce(held.row_count, 0) as actual_count,
        coalesce(desired.total, 0) as expected_amount,
        coalesce(held.total, 0) as actual_amount
    from desired
    full outer join held on desired.connection = held.connection and desired.currency = held.currency
)

select
    step || ':' || connection || ':' || object || ':' || coalesce(currency, '') as count_id,
    step,
    connection,
    object,
    currency,
    expected_count,
    actual_count,
    actual_count - expected_count as difference,
    cast(expected_amount as {{ type_total() }}) as expected_amount,
    cast(actual_amount as {{ type_total() }}) as actual_amount,
    cast(actual_amount - expected_amount as {{ type_total() }}) as amount_difference,
    'data_engineering' as owner,
    step = 'canonical to CRM' as is_repairable
from compared
