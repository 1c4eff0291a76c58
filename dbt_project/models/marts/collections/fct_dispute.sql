select
    'invoice:' || invoice_id as dispute_id,
    connection,
    'erp' as raised_in,
    invoice_id,
    customer_id,
    legal_entity_id,
    currency,
    disputed_amount,
    disputed_open_amount,
    dispute_reason as reason,
    case when disputed_open_amount > 0 then 'open' else 'closed' end as status,
    cast(null as timestamp) as opened_at
from {{ ref('fct_invoice') }}
where disputed_amount > 0 or dispute_reason is not null

union all

select
    dispute.connection || ':' || dispute.dispute_id as dispute_id,
    dispute.connection,
    'processor' as raised_in,
    invoice.invoice_id,
    coalesce(invoice.customer_id, customer.customer_id) as customer_id,
    invoice.legal_entity_id,
    dispute.currency,
    cast({{ from_minor('dispute.amount_minor', stripe_digits('dispute.currency', 'iso.minor_unit')) }} as {{ type_money() }}) as disputed_amount,
    cast(
        case
            when dispute.status in ('won', 'lost', 'warning_closed', 'prevented') then 0
            else {{ from_minor('dispute.amount_minor', stripe_digits('dispute.currency', 'iso.minor_unit')) }}
        end as {{ type_money() }}
    ) as disputed_open_amount,
    dispute.reason,
    case
        when dispute.status in ('won', 'lost', 'under_review') then dispute.status
        when dispute.status in ('warning_closed', 'prevented') then 'closed'
        when dispute.status = 'warning_under_review' then 'under_review'
        else 'open'
    end as status,
    dispute.created_at as opened_at
from {{ ref('stg_stripe__dispute') }} as dispute
inner join {{ ref('iso_currency') }} as iso on dispute.currency = iso.currency
left join {{ ref('stg_stripe__charge') }} as charge
    on dispute.connection = charge.connection and dispute.charge_id = charge.charge_id
left join {{ ref('int_customer_record__clustered') }} as customer
    on charge.connection || ':' || charge.customer_id = customer.record_key
left join (
    select number, min(invoice_id) as invoice_id
    from {{ ref('fct_invoice') }}
    where number in (select invoice_number from {{ ref('stg_stripe__charge') }} where is_disputed)
    group by number
    having count(*) = 1
) as numbered on charge.invoice_number = numbered.number
left join {{ ref('fct_invoice') }} as invoice on numbered.invoice_id = invoice.invoice_id
