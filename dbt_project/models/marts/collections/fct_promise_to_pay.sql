with promises as (
    select
        promise.*,
        iso.minor_unit,
        coalesce(customer.customer_id, promise.source_customer_id) as customer_id,
        invoice.legal_entity_id,
        coalesce(entity.as_of_date, policy.as_of_date) as as_of_date
    from {{ ref('stg_files__promise') }} as promise
    cross join {{ ref('stg_arsync__policy') }} as policy
    inner join {{ ref('iso_currency') }} as iso on promise.currency = iso.currency
    left join {{ ref('int_customer_record__clustered') }} as customer
        on promise.source_customer_id = customer.record_key
    left join {{ ref('fct_invoice') }} as invoice on promise.invoice_id = invoice.invoice_id
    left join {{ ref('dim_legal_entity') }} as entity on invoice.legal_entity_id = entity.legal_entity_id
),

-- what came in for the invoice, with the discount that was taken for it, or from the customer where the promise names none
receipts as (
    select promises.promise_id, application.application_date as receipt_date, application.amount
    from promises
    inner join {{ ref('fct_payment_application') }} as application
        on promises.invoice_id = application.debit_document_id
        and application.application_type in ('payment', 'recovery', 'deposit', 'discount')
        and application.application_date between promises.made_date and promises.as_of_date

    union all

    select promises.promise_id, payment.payment_date as receipt_date, payment.amount
    from promises
    inner join {{ ref('fct_payment') }} as payment
        on promises.customer_id = payment.customer_id
        and promises.currency = payment.currency
        and not payment.is_voided
        and payment.payment_date between promises.made_date and promises.as_of_date
    where promises.invoice_id is null
),

running as (
    select
        receipts.promise_id,
        receipts.receipt_date,
        sum(receipts.amount) over (
            partition by receipts.promise_id order by receipts.receipt_date range unbounded preceding
        ) as received
    from receipts
),

covered as (
    select promises.promise_id, min(running.receipt_date) as covered_date
    from promises
    inner join running on promises.promise_id = running.promise_id and running.received >= promises.amount
    group by promises.promise_id
),

in_time as (
    select promises.promise_id, sum(receipts.amount) as received_amount
    from promises
    inner join receipts on promises.promise_id = receipts.promise_id and receipts.receipt_date <= promises.promised_date
    group by promises.promise_id
)

select
    promises.promise_id,
    promises.connection,
    promises.customer_id,
    promises.source_customer_id,
    promises.invoice_id,
    promises.legal_entity_id,
    promises.made_date,
    promises.promised_date,
    promises.currency,
    cast({{ round_money('promises.amount', 'promises.minor_unit') }} as {{ type_money() }}) as promised_amount,
    cast(coalesce(in_time.received_amount, 0) as {{ type_total() }}) as received_amount,
    covered.covered_date,
    case
        when promises.is_cancelled then 'cancelled'
        when covered.covered_date <= promises.promised_date then 'kept'
        when promises.promised_date < promises.as_of_date then 'broken'
        else 'open'
    end as status,
    promises.as_of_date
from promises
left join covered on promises.promise_id = covered.promise_id
left join in_time on promises.promise_id = in_time.promise_id
