-- without an amount: in a currency that nobody knows the digits of
with ledger as (
    select
        document_id,
        min(source_customer_id) as source_customer_id,
        min(legal_entity_id) as legal_entity_id,
        min(posted_date) as document_date,
        max(due_date) as due_date,
        min(currency) as currency,
        sum(amount) as amount,
        -- what reconciling realised is told by its settlements
        sum(case when amount = 0 and reconciliation_id is not null then 0 else functional_amount end) as functional_amount,
        max(_seq) as last_seq,
        max(known_at) as known_at
    from {{ ref('int_tryton__ar_line') }}
    where not is_deleted
    group by document_id
),

invoices as (
    select
        invoice.connection || ':' || invoice.invoice_id as document_id,
        invoice.connection,
        invoice.invoice_id as source_id,
        case when invoice.total_amount < 0 then 'credit_memo' else 'invoice' end as document_type,
        invoice.number,
        coalesce(ledger.source_customer_id, invoice.connection || ':' || invoice.party_id) as source_customer_id,
        invoice.connection || ':' || invoice.company_id as legal_entity_id,
        coalesce(ledger.document_date, move.move_date) as document_date,
        coalesce(ledger.due_date, move.move_date) as due_date,
        currency.currency,
        case when ledger.document_id is null then 0 else ledger.amount end as amount,
        coalesce(ledger.functional_amount, 0) as functional_amount,
        invoice.term_id,
        false as is_reversal,
        coalesce(invoice.description, invoice.reference) as memo,
        -- without a posted move there is nothing to collect: a draft, or one cancelled before it was posted
        invoice.is_deleted or move.move_id is null as is_deleted,
        greatest(invoice._seq, coalesce(move._seq, 0), coalesce(ledger.last_seq, 0)) as _seq,
        greatest(invoice._loaded_at, coalesce(ledger.known_at, invoice._loaded_at)) as known_at
    from {{ ref('stg_tryton__invoice') }} as invoice
    left join {{ ref('stg_tryton__move') }} as move
        on invoice.connection = move.connection
        and invoice.move_id = move.move_id
        and move.state = 'posted'
        and not move.is_deleted
    left join ledger on invoice.connection || ':' || invoice.invoice_id = ledger.document_id
    left join {{ ref('stg_tryton__currency') }} as currency
        on invoice.connection = currency.connection and invoice.currency_id = currency.currency_id
),

-- every line once: those that head no document are marked deleted, so that a document which lost its head is taken back
entries as (
    select
        line.ar_line_id,
        line.connection || ':' || case when line.move_id is null then '' else 'line:' end || line.source_id as document_id,
        line.connection,
        case when line.move_id is null then '' else 'line:' end || line.source_id as source_id,
        line.document_type,
        line.move_number as number,
        line.source_customer_id,
        line.legal_entity_id,
        line.posted_date as document_date,
        line.currency,
        case when line.document_type = 'journal' and line.amount > 0 then line.due_date end as due_date,
        line.is_reversal,
        line.is_deleted or not line.is_head as is_deleted,
        max(line._seq) over (partition by line.connection, coalesce(line.move_id, line.ar_line_id)) as _seq,
        max(line.known_at) over (partition by line.connection, coalesce(line.move_id, line.ar_line_id)) as known_at
    from {{ ref('int_tryton__ar_line') }} as line
),

-- what an undone reconciliation had converted
undone as (
    select
        reconciliation.connection,
        'reconciliation:' || reconciliation.reconciliation_id || ':' || currency.currency as source_id,
        reconciliation.connection || ':' || reconciliation.company_id as legal_entity_id,
        reconciliation.reconciliation_date,
        currency.currency,
        reconciliation._seq,
        reconciliation._loaded_at
    from {{ ref('stg_tryton__reconciliation') }} as reconciliation
    inner join {{ ref('stg_tryton__currency') }} as currency on reconciliation.connection = currency.connection
    where reconciliation.is_deleted
),

documents as (
    select * from invoices

    union all

    select
        entries.document_id,
        entries.connection,
        entries.source_id,
        entries.document_type,
        entries.number,
        entries.source_customer_id,
        entries.legal_entity_id,
        entries.document_date,
        entries.due_date,
        entries.currency,
        case when ledger.document_id is null then 0 else ledger.amount end as amount,
        coalesce(ledger.functional_amount, 0) as functional_amount,
        cast(null as {{ dbt.type_string() }}) as term_id,
        entries.is_reversal,
        cast(null as {{ dbt.type_string() }}) as memo,
        entries.is_deleted,
        entries._seq,
        entries.known_at
    from entries
    left join ledger on entries.document_id = ledger.document_id

    union all

    select
        undone.connection || ':' || undone.source_id as document_id,
        undone.connection,
        undone.source_id,
        'journal' as document_type,
        cast(null as {{ dbt.type_string() }}) as number,
        cast(null as {{ dbt.type_string() }}) as source_customer_id,
        undone.legal_entity_id,
        undone.reconciliation_date as document_date,
        cast(null as date) as due_date,
        undone.currency,
        0 as amount,
        0 as functional_amount,
        cast(null as {{ dbt.type_string() }}) as term_id,
        false as is_reversal,
        cast(null as {{ dbt.type_string() }}) as memo,
        true as is_deleted,
        undone._seq,
        undone._loaded_at as known_at
    from undone
)

select
    documents.document_id,
    documents.connection,
    documents.source_id,
    documents.document_type,
    documents.number,
    documents.source_customer_id,
    documents.legal_entity_id,
    documents.document_date,
    documents.due_date,
    documents.currency,
    cast(documents.amount as {{ type_money() }}) as amount,
    company_currency.currency as functional_currency,
    cast(documents.functional_amount as {{ type_money() }}) as functional_amount,
    case
        when documents.amount <> 0 then cast(
            {{ divide_half_up(
                '(abs(' ~ to_units('documents.functional_amount', 4) ~ ') * 1000000000)',
                'abs(' ~ to_units('documents.amount', 4) ~ ')'
            ) }} as decimal(28, 0)
        ) * 0.000000001
    end as exchange_rate,
    case when documents.term_id is not null then documents.connection || ':' || documents.term_id end as payment_terms_id,
    -- a cancellation is an entry of its own, which is applied like a payment
    false as is_voided,
    documents.is_reversal,
    cast(null as date) as voided_fallback_date,
    cast(null as {{ dbt.type_string() }}) as dispute_reason,
    cast(0 as {{ type_money() }}) as disputed_amount,
    cast(null as {{ dbt.type_string() }}) as external_id,
    documents.memo,
    documents.is_deleted,
    documents._seq,
    documents.known_at
from documents
left join {{ ref('stg_tryton__company') }} as company on documents.legal_entity_id = company.legal_entity_id
left join {{ ref('stg_tryton__currency') }} as company_currency
    on company.connection = company_currency.connection and company.currency_id = company_currency.currency_id
