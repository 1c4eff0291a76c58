-- what the source itself says: its own totals, rows of its last whole read, its documents, what it holds to be unpaid
with whole_reads as (
    {%- for stream, model in [
        ('account', 'stg_netsuite__account'),
        ('accounting_period', 'stg_netsuite__accounting_period'),
        ('currency', 'stg_netsuite__currency'),
        ('subsidiary', 'stg_netsuite__subsidiary'),
        ('term', 'stg_netsuite__term'),
    ] %}
    select '{{ stream }}' as object, connection, count(*) as row_count from {{ ref(model) }} group by connection
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

source_documents as not materialized (
    select
        txn.connection,
        txn.subsidiary_id as source_legal_entity_id,
        txn.transaction_type as object,
        currency.currency,
        txn.document_id,
        abs(txn.total_amount) as amount,
        case when txn.transaction_type = 'CustInvc' and not txn.is_voided then txn.unpaid_amount end as unpaid_amount
    from {{ ref('stg_netsuite__transaction') }} as txn
    left join {{ ref('stg_netsuite__currency') }} as currency
        on txn.connection = currency.connection and txn.currency_id = currency.currency_id
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on txn.document_id = gone.record_key and gone.is_transaction
    where not txn.is_deleted
        and gone.record_key is null
        and txn.transaction_type in ('CustInvc', 'CustPymt', 'CustCred', 'CustRfnd', 'DepAppl')

    union all

    select
        invoice.connection,
        invoice.source_legal_entity_id,
        'CustInvc' as object,
        coalesce(invoice.currency, customer.currency, policy.reporting_currency) as currency,
        invoice.document_id,
        abs(invoice.amount) as amount,
        null as unpaid_amount
    from {{ ref('stg_files__invoice') }} as invoice
    cross join {{ ref('stg_arsync__policy') }} as policy
    left join {{ ref('stg_files__customer') }} as customer
        on invoice.connection = customer.connection and invoice.customer_id = customer.customer_id
    where not invoice.is_deleted

    union all

    select
        invoice.connection,
        invoice.company_id as source_legal_entity_id,
        case when invoice.total_amount < 0 then 'CustCred' else 'CustInvc' end as object,
        currency.currency,
        invoice.connection || ':' || invoice.invoice_id as document_id,
        abs(invoice.total_amount) as amount,
        null as unpaid_amount
    from {{ ref('stg_tryton__invoice') }} as invoice
    inner join {{ ref('stg_tryton__move') }} as move
        on invoice.connection = move.connection and invoice.move_id = move.move_id
    left join {{ ref('stg_tryton__currency') }} as currency
        on invoice.connection = currency.connection and invoice.currency_id = currency.currency_id
    where not invoice.is_deleted and not move.is_deleted and move.state = 'posted'
),

-- what is in an unknown currency is a finding of recon_document, and in no balance; an amount counts as its currency
-- can say it, each document for itself, for that is the amount that anybody can owe
known_documents as not materialized (
    select
        source_documents.connection,
        source_documents.source_legal_entity_id,
        source_documents.object,
        source_documents.currency,
        source_documents.document_id,
        {{ round_money('source_documents.amount', 'iso.minor_unit') }} as amount,
        {{ round_money('source_documents.unpaid_amount', 'iso.minor_unit') }} as unpaid_amount
    from source_documents
    inner join {{ ref('iso_currency') }} as iso on source_documents.currency = iso.currency
),

source_totals as (
    select
        connection,
        source_legal_entity_id,
        object,
        currency,
        count(*) as row_count,
        sum(amount) as total,
        sum(case when unpaid_amount is not null and amount <> 0 then 1 else 0 end) as unpaid_count,
        sum(case when amount <> 0 then unpaid_amount end) as unpaid_total
    from known_documents
    group by connection, source_legal_entity_id, object, currency
),

sources as (
    select
        connection,
        coalesce(connection || ':' || source_legal_entity_id, '') as legal_entity_id,
        case object
            when 'CustInvc' then 'invoice' when 'CustPymt' then 'payment' when 'CustCred' then 'credit_memo'
            when 'DepAppl' then 'deposit' else 'refund'
        end as object,
        currency,
        row_count,
        total
    from source_totals
),

-- all documents are read once, for what they come to and for what of them is posted
document_totals as (
    select
        connection,
        coalesce(legal_entity_id, '') as legal_entity_id,
        document_type,
        currency,
        count(*) as row_count,
        sum(abs(amount)) as total,
        sum(case when amount <> 0 or functional_amount <> 0 then 1 else 0 end) as posted_count,
        sum(amount) as posted_total
    from {{ ref('int_receivable_document') }}
    group by 1, 2, 3, 4
),

canonical as (
    select
        document.connection,
        document.legal_entity_id,
        case when connection.vendor = 'files' and document.document_type = 'credit_memo' then 'invoice' else document.document_type end as object,
        document.currency,
        sum(document.row_count) as row_count,
        sum(document.total) as total
    from document_totals as document
    inner join {{ ref('stg_arsync__connection') }} as connection on document.connection = connection.connection
    where document.document_type in ('invoice', 'payment', 'credit_memo', 'deposit', 'refund')
        -- payments that the source has no record of its own for: read from a settled date, or from ledger lines
        and not (connection.vendor = 'files' and document.document_type = 'payment')
        and not (connection.vendor = 'tryton' and document.document_type in ('payment', 'refund'))
    group by 1, 2, 3, 4
),

posted_documents as (
    select connection, legal_entity_id, currency, sum(posted_count) as row_count, sum(posted_total) as total
    from document_totals
    where posted_count > 0
    group by 1, 2, 3
),

-- a posting that was taken back counts as none, and where all were there is nothing to count
posted_events as (
    select
        -- a legal entity's own name begins with it
        case when legal_entity_id is null then split_part(event_key, ':', 2) end as connection,
        legal_entity_id,
        currency,
        sum(case when event_type = 'reversed' then -1 else 1 end) as row_count,
        sum(amount) as total
    from {{ ref('fct_receivable_event') }}
    -- a posting is against no other document: of most other lines the key need not be read
    where counter_document_id is null and event_key like 'posted:%'
    group by 1, 2, 3
),

ledger as (
    select
        coalesce(connection, split_part(legal_entity_id, ':', 1)) as connection,
        coalesce(legal_entity_id, '') as legal_entity_id,
        currency,
        row_count,
        total
    from posted_events
    where row_count <> 0 or total <> 0
),

unpaid as (
    select
        connection,
        coalesce(connection || ':' || source_legal_entity_id, '') as legal_entity_id,
        currency,
        sum(unpaid_count) as row_count,
        sum(unpaid_total) as total
    from source_totals
    where unpaid_count > 0
    group by 1, 2, 3
),

left_open as (
    select
        documents.connection,
        coalesce(documents.connection || ':' || documents.source_legal_entity_id, '') as legal_entity_id,
        documents.currency,
        sum(
            case when event.event_key not like 'posted:%' then 0 when event.event_type = 'reversed' then -1 else 1 end
        ) as row_count,
        sum(event.amount) as total
    from {{ ref('fct_receivable_event') }} as event
    inner join known_documents as documents on event.document_id = documents.document_id
    where documents.unpaid_amount is not null and documents.amount <> 0
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

{%- set totals = [
    ('raw to canonical', 'sources', 'canonical', ['connection', 'legal_entity_id', 'object', 'currency'], {}),
    ('canonical to ledger', 'posted_documents', 'ledger', ['connection', 'legal_entity_id', 'currency'], {'object': 'document'}),
    ('unpaid at source to ledger', 'unpaid', 'left_open', ['connection', 'legal_entity_id', 'currency'], {'object': 'invoice'}),
    ('canonical to CRM', 'desired', 'held', ['connection', 'currency'], {'object': 'invoice', 'legal_entity_id': none}),
] %}

compared as (
    select
        'source to raw' as step,
        whole_reads.connection,
        cast(null as {{ dbt.type_string() }}) as legal_entity_id,
        whole_reads.object,
        cast(null as {{ dbt.type_string() }}) as currency,
        reads.rows_read as expected_count,
        whole_reads.row_count as actual_count,
        cast(0 as {{ type_total() }}) as expected_amount,
        cast(0 as {{ type_total() }}) as actual_amount
    from whole_reads
    inner join {{ ref('stg_arsync__read') }} as reads
        on whole_reads.connection = reads.connection and whole_reads.object = reads.stream

    union all

    select
        'source to raw' as step,
        connection,
        cast(null as {{ dbt.type_string() }}) as legal_entity_id,
        object,
        currency,
        told_count as expected_count,
        held_count as actual_count,
        told_amount as expected_amount,
        held_amount as actual_amount
    from {{ ref('int_source_total') }}
    {%- for step, earlier, later, keys, given in totals %}

    union all

    select
        '{{ step }}' as step,
        {%- for column in ['connection', 'legal_entity_id', 'object', 'currency'] %}
        {% if column in keys %}coalesce({{ earlier }}.{{ column }}, {{ later }}.{{ column }})
        {%- elif given[column] %}'{{ given[column] }}'
        {%- else %}cast(null as {{ dbt.type_string() }})
        {%- endif %} as {{ column }},
        {%- endfor %}
        coalesce({{ earlier }}.row_count, 0) as expected_count,
        coalesce({{ later }}.row_count, 0) as actual_count,
        cast(coalesce({{ earlier }}.total, 0) as {{ type_total() }}) as expected_amount,
        cast(coalesce({{ later }}.total, 0) as {{ type_total() }}) as actual_amount
    from {{ earlier }}
    full outer join {{ later }}
        on {% for key in keys %}{{ earlier }}.{{ key }} = {{ later }}.{{ key }}{% if not loop.last %} and {% endif %}{% endfor %}
    {%- endfor %}
)

select
    step || ':' || coalesce(nullif(legal_entity_id, ''), connection) || ':' || object || ':' || coalesce(currency, '') as count_id,
    step,
    connection,
    nullif(legal_entity_id, '') as legal_entity_id,
    object,
    currency,
    cast(expected_count as bigint) as expected_count,
    cast(actual_count as bigint) as actual_count,
    cast(actual_count - expected_count as bigint) as difference,
    expected_amount,
    actual_amount,
    cast(actual_amount - expected_amount as {{ type_total() }}) as amount_difference,
    case
        when step in ('raw to canonical', 'canonical to ledger') then 'critical'
        when step = 'source to raw' and object in (
            'CustInvc', 'CustPymt', 'CustCred', 'CustRfnd', 'CustDep', 'DepAppl', 'Journal', 'FxReval', 'invoice', 'move', 'move_line', 'reconciliation',
            'receivable'
        ) then 'critical'
        else 'warning'
    end as severity,
    'data_engineering' as owner,
    step = 'canonical to CRM' as is_repairable
from compared
