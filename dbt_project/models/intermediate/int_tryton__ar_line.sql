with companies as (
    select company.connection, company.company_id, company.legal_entity_id, company.currency_id
    from {{ ref('stg_tryton__company') }} as company
),

-- an invoice is in the ledger by its move, and by those that moved its due dates later
invoice_moves as (
    select connection, invoice_id, move_id, total_amount, _seq
    from {{ ref('stg_tryton__invoice') }}
    where not is_deleted and move_id is not null

    union all

    select connection, invoice_id, {{ json_elements('additional_move_ids') }} as move_id, total_amount, _seq
    from {{ ref('stg_tryton__invoice') }}
    where not is_deleted and move_id is not null
),

-- a payment that does not settle its invoice whole is not reconciled with it but linked to it
linked_lines as (
    select connection, move_line_id, min(invoice_id) as invoice_id
    from (
        select connection, invoice_id, {{ json_elements('payment_line_ids') }} as move_line_id
        from {{ ref('stg_tryton__invoice') }}
        where not is_deleted
    ) as links
    group by connection, move_line_id
),

posted as (
    select
        line.connection,
        line.move_line_id,
        line.move_id,
        invoice_moves.invoice_id,
        companies.legal_entity_id,
        line.party_id,
        journal.journal_type,
        move.origin like 'account.move,%' as is_reversal,
        coalesce(journal.journal_type = 'write-off', false) as is_write_off,
        move.number as move_number,
        move.move_date as posted_date,
        coalesce(line.maturity_date, move.move_date) as due_date,
        currency.currency,
        iso.minor_unit,
        line.debit_amount - line.credit_amount as functional_amount,
        case
            when line.second_currency_id is null then line.debit_amount - line.credit_amount
            else line.second_currency_amount
        end as amount,
        invoice_moves.total_amount as invoice_total,
        line.reconciliation_id,
        case
            when line.reconciliation_id is not null then 'reconciliation:' || line.reconciliation_id
            when coalesce(invoice_moves.invoice_id, linked_lines.invoice_id) is not null
                then 'invoice:' || coalesce(invoice_moves.invoice_id, linked_lines.invoice_id)
        end as settlement,
        line.is_deleted or move.is_deleted or move.state <> 'posted' as is_deleted,
        greatest(line._seq, move._seq, coalesce(invoice_moves._seq, 0)) as _seq,
        greatest(line._loaded_at, move._loaded_at) as known_at
    from {{ ref('stg_tryton__move_line') }} as line
    inner join {{ ref('stg_tryton__move') }} as move
        on line.connection = move.connection and line.move_id = move.move_id
    inner join companies on move.connection = companies.connection and move.company_id = companies.company_id
    left join {{ ref('stg_tryton__journal') }} as journal
        on move.connection = journal.connection and move.journal_id = journal.journal_id
    left join {{ ref('stg_tryton__currency') }} as currency
        on line.connection = currency.connection
        and coalesce(line.second_currency_id, companies.currency_id) = currency.currency_id
    left join {{ ref('iso_currency') }} as iso on currency.currency = iso.currency
    left join invoice_moves on line.connection = invoice_moves.connection and line.move_id = invoice_moves.move_id
    left join linked_lines
        on line.connection = linked_lines.connection and line.move_line_id = linked_lines.move_line_id
),

typed as (
    select
        posted.*,
        case
            when invoice_id is not null and invoice_total < 0 then 'credit_memo'
            when invoice_id is not null then 'invoice'
            when is_reversal or is_write_off or amount = 0 then 'journal'
            when amount < 0 then 'payment'
            when journal_type in ('cash', 'bank', 'statement') then 'refund'
            else 'journal'
        end as document_type
    from posted
),

-- outside of invoices the lines of one entry, customer and kind are one document, named by the first of them; of journals
-- also of one due date and sign, for their debits age as invoices do
headed as (
    select
        typed.*,
        case
            when party_id is null then null
            when invoice_id is not null then invoice_id
            else 'line:' || first_value(move_line_id) over (
                partition by
                    connection, move_id, party_id, currency, document_type, is_deleted,
                    case when document_type = 'journal' then sign(amount) end,
                    case when document_type = 'journal' then due_date end
                order by length(move_line_id), move_line_id
            )
        end as document_source_id
    from typed
),

-- Reconciled lines add up to nothing in the company's currency, but not in each of theirs when there are several: a
-- realised difference, or an invoice paid in another currency. What one loses another gains, on the last line's date.
mixed as (
    select
        connection,
        reconciliation_id,
        currency,
        min(legal_entity_id) as legal_entity_id,
        min(party_id) as party_id,
        min(case when is_write_off then 1 else 0 end) = 1 as is_written_off,
        max(max(posted_date)) over (partition by connection, reconciliation_id) as posted_date,
        count(*) over (partition by connection, reconciliation_id) as currency_count,
        min(minor_unit) as minor_unit,
        -sum(amount) as amount,
        -sum(functional_amount) as functional_amount,
        max(_seq) as _seq,
        max(known_at) as known_at
    from headed
    where reconciliation_id is not null and not is_deleted and document_source_id is not null
    group by connection, reconciliation_id, currency
),

conversions as (
    select
        mixed.*,
        'reconciliation:' || reconciliation_id || ':' || currency as source_id,
        -- of the differences that a write-off or an exchange entry leaves, none was paid
        max(case when is_written_off then 1 else 0 end) over (partition by connection, reconciliation_id) = 1
            as is_write_off
    from mixed
    where currency_count > 1
)

select
    connection || ':' || move_line_id as ar_line_id,
    connection,
    move_line_id as source_id,
    move_id,
    connection || ':' || document_source_id as document_id,
    document_source_id,
    coalesce(document_source_id = 'line:' || move_line_id, false) as is_head,
    document_type,
    coalesce(is_reversal, false) and invoice_id is null as is_reversal,
    is_write_off,
    connection || ':' || party_id as source_customer_id,
    legal_entity_id,
    move_number,
    posted_date,
    due_date,
    currency,
    cast({{ round_money('amount', 'minor_unit') }} as {{ type_money() }}) as amount,
    cast(functional_amount as {{ type_money() }}) as functional_amount,
    reconciliation_id,
    settlement,
    -- replaced by lines of other due dates, in a reconciliation of the document with itself
    coalesce(
        reconciliation_id is not null
        and min(document_source_id) over (partition by connection, reconciliation_id)
        = max(document_source_id) over (partition by connection, reconciliation_id), false
    ) as is_rescheduled,
    is_deleted,
    _seq,
    known_at
from headed

union all

select
    connection || ':' || source_id as ar_line_id,
    connection,
    source_id,
    cast(null as {{ dbt.type_string() }}) as move_id,
    connection || ':' || source_id as document_id,
    source_id as document_source_id,
    true as is_head,
    'journal' as document_type,
    false as is_reversal,
    is_write_off,
    connection || ':' || party_id as source_customer_id,
    legal_entity_id,
    cast(null as {{ dbt.type_string() }}) as move_number,
    posted_date,
    posted_date as due_date,
    currency,
    cast({{ round_money('amount', 'minor_unit') }} as {{ type_money() }}) as amount,
    cast(functional_amount as {{ type_money() }}) as functional_amount,
    reconciliation_id,
    'reconciliation:' || reconciliation_id as settlement,
    false as is_rescheduled,
    false as is_deleted,
    _seq,
    known_at
from conversions
