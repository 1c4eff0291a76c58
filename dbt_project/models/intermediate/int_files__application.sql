with claims as (
    select
        payment.document_id as payment_document_id,
        payment.connection,
        invoice.document_id as invoice_document_id,
        invoice.amount as invoice_amount,
        -payment.amount as payment_amount,
        greatest(payment.document_date, invoice.document_date) as application_date,
        greatest(payment.known_at, invoice.known_at) as known_at,
        coalesce(sum(-payment.amount) over (
            partition by invoice.document_id
            order by payment.document_date, payment.document_id
            rows between unbounded preceding and 1 preceding
        ), 0) as claimed_before
    from {{ ref('int_files__document') }} as payment
    inner join {{ ref('int_files__document') }} as invoice
        on payment.paid_invoice_id = invoice.document_id
        and payment.currency = invoice.currency
        and invoice.document_type = 'invoice'
        and not invoice.is_deleted
    where payment.document_type = 'payment' and not payment.is_deleted
)

-- what exceeds the invoice stays on the payment as unapplied cash
select
    invoice_document_id || '-' || payment_document_id as application_id,
    connection,
    invoice_document_id,
    payment_document_id,
    application_date,
    least(payment_amount, greatest(invoice_amount - claimed_before, 0)) as amount,
    known_at
from claims
where least(payment_amount, greatest(invoice_amount - claimed_before, 0)) <> 0
