-- an order whose legal entity nobody knows counts where its customer stands at the ERP
select
    customer.customer_id,
    coalesce(entity.legal_entity_id, erp.legal_entity_id) as legal_entity_id,
    sales_order.currency,
    cast(
        sum({{ round_money('sales_order.unbilled_amount', 'iso.minor_unit') }}) as {{ type_total() }}
    ) as unbilled_order_amount
from {{ ref('stg_files__order') }} as sales_order
inner join {{ ref('iso_currency') }} as iso on sales_order.currency = iso.currency
inner join {{ ref('int_customer_record__clustered') }} as customer
    on sales_order.source_customer_id = customer.record_key
left join {{ ref('int_erp_customer') }} as erp on sales_order.source_customer_id = erp.source_customer_id
left join {{ ref('dim_legal_entity') }} as entity on sales_order.legal_entity_id = entity.legal_entity_id
where sales_order.is_released
    and coalesce(entity.legal_entity_id, erp.legal_entity_id) is not null
group by customer.customer_id, coalesce(entity.legal_entity_id, erp.legal_entity_id), sales_order.currency
