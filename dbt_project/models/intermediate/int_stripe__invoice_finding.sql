-- an invoice of the processor stands for one of the ERP when it names it, or carries its number
with linked as (
    select
        invoice.*,
        coalesce(invoice.erp_invoice, case when numbered.number is not null then invoice.number end) as erp_number,
        {{ stripe_digits('invoice.currency', 'iso.minor_unit') }} as digits
    from {{ ref('stg_stripe__invoice') }} as invoice
    inner join {{ ref('iso_currency') }} as iso on invoice.currency = iso.currency
    left join (
        select distinct number
        from {{ ref('fct_invoice') }}
        where number in (select number from {{ ref('stg_stripe__invoice') }})
    ) as numbered on invoice.number = numbered.number
    where invoice.status in ('open', 'paid', 'uncollectible')
),

invoices as (
    select
        linked.*,
        {{ from_minor('linked.total_minor', 'linked.digits') }} as total_amount
    from linked
    where linked.erp_number is not null
),

-- several legal entities may use a number: the nearest of them is meant
candidates as (
    select
        invoices.connection,
        invoices.invoice_id,
        erp.invoice_id as erp_invoice_id,
        erp.currency as erp_currency,
        erp.status as erp_status,
        erp.total_amount as erp_total_amount,
        row_number() over (
            partition by invoices.connection, invoices.invoice_id
            order by case when erp.currency = invoices.currency then 0 else 1 end,
                case when erp.customer_id = customer.customer_id then 0 else 1 end,
                case when erp.status = 'void' then 1 else 0 end,
                abs(erp.total_amount - invoices.total_amount), erp.invoice_id
        ) as preference
    from invoices
    inner join (
        select * from {{ ref('fct_invoice') }} where number in (select erp_number from invoices)
    ) as erp on invoices.erp_number = erp.number
    left join {{ ref('int_customer_record__clustered') }} as customer
        on invoices.connection || ':' || invoices.customer_id = customer.record_key
)

select
    'invoice:' || invoices.connection || ':' || invoices.invoice_id as finding_id,
    case when found.erp_invoice_id is null then 'missing' else 'different' end as finding,
    invoices.connection,
    invoices.invoice_id as business_key,
    'invoice' as object,
    invoices.customer_id as processor_customer_id,
    case
        when found.erp_currency = invoices.currency and found.erp_status <> 'void'
            then abs(invoices.total_amount - found.erp_total_amount)
        else invoices.total_amount
    end as amount,
    invoices.currency,
    case
        when found.erp_invoice_id is null then 'the ERP has no invoice ' || invoices.erp_number
        when found.erp_currency <> invoices.currency
            then 'invoice ' || invoices.erp_number || ' is in ' || found.erp_currency || ' in the ERP'
        when found.erp_status = 'void'
            then 'invoice ' || invoices.erp_number || ' is void in the ERP and ' || invoices.status || ' at the processor'
        else 'invoice ' || invoices.erp_number || ' has another total in the ERP'
    end as detail
from invoices
left join candidates as found
    on invoices.connection = found.connection and invoices.invoice_id = found.invoice_id and found.preference = 1
where found.erp_invoice_id is null
    or found.erp_currency <> invoices.currency
    or found.erp_status = 'void'
    -- under a number of its own it may ask for a part
    or (invoices.number = invoices.erp_number and found.erp_total_amount <> invoices.total_amount)
