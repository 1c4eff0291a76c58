with charges as (
    select
        charge.connection,
        charge.charge_id,
        charge.erp_payment,
        charge.invoice_number,
        charge.currency,
        {{ from_minor('charge.captured_minor', 'iso.minor_unit') }} as amount,
        {{ from_minor('charge.refunded_minor', 'iso.minor_unit') }} as refunded_amount,
        customer.customer_id
    from {{ ref('stg_stripe__charge') }} as charge
    inner join {{ ref('iso_currency') }} as iso on charge.currency = iso.currency
    left join {{ ref('int_customer_record__clustered') }} as customer
        on charge.connection || ':' || charge.customer_id = customer.record_key
    where charge.status = 'succeeded'
),

payments as (
    select
        payment.*,
        row_number() over (partition by payment.processor_reference order by payment.payment_id) as repetition,
        count(*) over (partition by payment.processor_reference) as repetitions
    from {{ ref('fct_payment') }} as payment
    where payment.processor_reference is not null
),

-- what the ERP gave back of payments that a processor collected
refunds as (
    select credit_document_id as payment_id, sum(amount) as refunded_amount
    from {{ ref('fct_payment_application') }}
    where application_type = 'refund'
    group by credit_document_id
),

processors as (
    select connection from {{ ref('stg_arsync__connection') }} where role = 'processor'
),

payout_movements as (
    select connection, source_id, sum(net_minor) as net_minor
    from {{ ref('stg_stripe__balance_transaction') }}
    where type = 'payout'
    group by connection, source_id
),

findings as (
    select
        'missing:' || charges.connection || ':' || charges.charge_id as finding_id,
        'missing' as finding,
        charges.connection,
        charges.charge_id as business_key,
        'charge' as object,
        charges.customer_id,
        charges.amount,
        charges.currency,
        'charge is not recorded as a payment in the ERP' as detail
    from charges
    left join payments on charges.charge_id = payments.processor_reference
    where payments.payment_id is null

    union all

    select
        'different:' || charges.connection || ':' || charges.charge_id as finding_id,
        'different' as finding,
        charges.connection,
        charges.charge_id as business_key,
        'charge' as object,
        charges.customer_id,
        abs(charges.amount - payments.amount) as amount,
        charges.currency,
        'charge and ERP payment ' || coalesce(payments.number, payments.payment_id) || ' differ' as detail
    from charges
    inner join payments on charges.charge_id = payments.processor_reference and payments.repetition = 1
    where charges.amount <> payments.amount or charges.currency <> payments.currency

    union all

    select
        'duplicate:' || payments.payment_id as finding_id,
        'duplicate' as finding,
        payments.connection,
        payments.payment_id as business_key,
        'payment' as object,
        payments.customer_id,
        payments.amount,
        payments.currency,
        'charge ' || payments.processor_reference || ' is recorded more than once' as detail
    from payments
    where payments.repetition > 1

    union all

    select
        'extra:' || payments.payment_id as finding_id,
        'extra' as finding,
        payments.connection,
        payments.payment_id as business_key,
        'payment' as object,
        payments.customer_id,
        payments.amount,
        payments.currency,
        'the processor knows no charge ' || payments.processor_reference as detail
    from payments
    left join charges on payments.processor_reference = charges.charge_id
    where charges.charge_id is null
        and payments.processor_reference like 'ch\_%' escape '\'
        and exists (select 1 from processors)

    union all

    select
        'refund:' || charges.connection || ':' || charges.charge_id as finding_id,
        case
            when charges.refunded_amount > coalesce(refunds.refunded_amount, 0) then 'missing' else 'extra'
        end as finding,
        charges.connection,
        charges.charge_id as business_key,
        'refund' as object,
        charges.customer_id,
        abs(charges.refunded_amount - coalesce(refunds.refunded_amount, 0)) as amount,
        charges.currency,
        'refunded at the processor and in the ERP differ' as detail
    from charges
    inner join payments on charges.charge_id = payments.processor_reference and payments.repetition = 1
    left join refunds on payments.payment_id = refunds.payment_id
    where charges.refunded_amount <> coalesce(refunds.refunded_amount, 0)

    union all

    select
        'payout:' || payout.connection || ':' || payout.payout_id as finding_id,
        case when payout_movements.net_minor is null then 'missing' else 'different' end as finding,
        payout.connection,
        payout.payout_id as business_key,
        'payout' as object,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        {{ from_minor('abs(payout.amount_minor + coalesce(payout_movements.net_minor, 0))', 'iso.minor_unit') }} as amount,
        payout.currency,
        'payout does not equal its balance transaction' as detail
    from {{ ref('stg_stripe__payout') }} as payout
    inner join {{ ref('iso_currency') }} as iso on payout.currency = iso.currency
    left join payout_movements
        on payout.connection = payout_movements.connection and payout.payout_id = payout_movements.source_id
    where payout.amount_minor + coalesce(payout_movements.net_minor, 0) <> 0
        and payout.status not in ('failed', 'canceled')
)

select
    finding_id,
    finding,
    connection,
    business_key,
    object,
    customer_id,
    cast(amount as {{ type_total() }}) as amount,
    currency,
    detail,
    case object when 'payout' then 'treasury' else 'cash_application' end as owner,
    false as is_repairable
from findings
