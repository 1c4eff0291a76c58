with charges as (
    select
        charge.connection,
        charge.charge_id,
        charge.erp_payment,
        charge.invoice_number,
        charge.currency,
        {{ from_minor('charge.captured_minor', stripe_digits('charge.currency', 'iso.minor_unit')) }} as amount,
        {{ from_minor('charge.refunded_minor', stripe_digits('charge.currency', 'iso.minor_unit')) }} as refunded_amount,
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

-- money that a lost dispute took back, and what the ERP took back for it: as a refund of the payment, or as a new debt
chargebacks as (
    select
        dispute.connection,
        dispute.dispute_id,
        dispute.status,
        dispute.currency,
        {{ from_minor('dispute.amount_minor', stripe_digits('dispute.currency', 'iso.minor_unit')) }} as amount,
        charges.customer_id
    from {{ ref('stg_stripe__dispute') }} as dispute
    inner join {{ ref('iso_currency') }} as iso on dispute.currency = iso.currency
    left join charges on dispute.connection = charges.connection and dispute.charge_id = charges.charge_id
),

reversals as (
    select external_id, currency, min(document_id) as document_id, sum(amount) as amount
    from {{ ref('int_receivable_document') }}
    where amount > 0 and document_type in ('refund', 'journal') and {{ is_dispute('external_id') }}
    group by external_id, currency
),

processors as (
    select connection from {{ ref('stg_arsync__connection') }} where role = 'processor'
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
        -- two currencies have no difference: the charge is what is at stake
        case
            when charges.currency = payments.currency then abs(charges.amount - payments.amount)
            else charges.amount
        end as amount,
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
        'dispute:' || chargebacks.connection || ':' || chargebacks.dispute_id as finding_id,
        case
            when reversals.document_id is null then 'missing' when chargebacks.status <> 'lost' then 'extra' else 'different'
        end as finding,
        chargebacks.connection,
        chargebacks.dispute_id as business_key,
        'dispute' as object,
        chargebacks.customer_id,
        abs(
            case when chargebacks.status = 'lost' then chargebacks.amount else 0 end - coalesce(reversals.amount, 0)
        ) as amount,
        chargebacks.currency,
        'dispute is ' || chargebacks.status || ' at the processor, ' || case
            when reversals.document_id is null then 'and the ERP takes nothing back'
            else 'and ' || reversals.document_id || ' takes back ' || cast(reversals.amount as {{ dbt.type_string() }})
        end as detail
    from chargebacks
    left join reversals
        on chargebacks.dispute_id = reversals.external_id and chargebacks.currency = reversals.currency
    where case when chargebacks.status = 'lost' then chargebacks.amount else 0 end <> coalesce(reversals.amount, 0)

    -- what the processor's own books do not bear out, and invoices that both have
    {%- for model in ['int_stripe__settlement_finding', 'int_stripe__invoice_finding'] %}

    union all

    select
        found.finding_id,
        found.finding,
        found.connection,
        found.business_key,
        found.object,
        customer.customer_id,
        found.amount,
        found.currency,
        found.detail
    from {{ ref(model) }} as found
    left join {{ ref('int_customer_record__clustered') }} as customer
        on found.connection || ':' || found.processor_customer_id = customer.record_key
    {%- endfor %}
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
    case
        when object in ('payout', 'fee') then 'treasury'
        when object = 'invoice' then 'accounts_receivable'
        else 'cash_application'
    end as owner,
    false as is_repairable
from findings
