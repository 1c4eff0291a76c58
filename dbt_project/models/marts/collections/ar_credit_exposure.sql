with orders as (
    select
        coalesce(customer.customer_id, sales_order.source_customer_id) as customer_id,
        coalesce(sales_order.legal_entity_id, erp.legal_entity_id) as legal_entity_id,
        sales_order.currency,
        sum({{ round_money('sales_order.unbilled_amount', 'iso.minor_unit') }}) as unbilled_order_amount
    from {{ ref('stg_files__order') }} as sales_order
    inner join {{ ref('iso_currency') }} as iso on sales_order.currency = iso.currency
    left join {{ ref('int_customer_record__clustered') }} as customer
        on sales_order.source_customer_id = customer.record_key
    left join {{ ref('int_erp_customer') }} as erp on sales_order.source_customer_id = erp.source_customer_id
    where sales_order.is_released
    group by 1, 2, 3
),

keys as (
    select customer_id, legal_entity_id, currency from {{ ref('ar_customer_summary') }}
    union
    select customer_id, legal_entity_id, currency from orders where legal_entity_id is not null
),

exposed as (
    select
        keys.*,
        summary.credit_limit_amount,
        coalesce(summary.open_balance_amount, 0) as open_balance_amount,
        coalesce(orders.unbilled_order_amount, 0) as unbilled_order_amount,
        coalesce(summary.is_on_credit_hold, false) as is_on_credit_hold,
        coalesce(summary.overdue_balance_amount, 0) as overdue_balance_amount
    from keys
    left join {{ ref('ar_customer_summary') }} as summary
        on keys.customer_id = summary.customer_id
        and keys.legal_entity_id = summary.legal_entity_id
        and keys.currency = summary.currency
    left join orders
        on keys.customer_id = orders.customer_id
        and keys.legal_entity_id = orders.legal_entity_id
        and keys.currency = orders.currency
)

select
    customer_id || '|' || legal_entity_id || '|' || currency as credit_exposure_id,
    customer_id,
    legal_entity_id,
    currency,
    credit_limit_amount,
    cast(open_balance_amount as {{ type_total() }}) as open_balance_amount,
    cast(unbilled_order_amount as {{ type_total() }}) as unbilled_order_amount,
    cast(open_balance_amount + unbilled_order_amount as {{ type_total() }}) as exposure_amount,
    cast(credit_limit_amount - open_balance_amount - unbilled_order_amount as {{ type_total() }}) as credit_available_amount,
    coalesce(credit_limit_amount < open_balance_amount + unbilled_order_amount, false) as is_over_limit,
    is_on_credit_hold,
    cast(overdue_balance_amount as {{ type_total() }}) as overdue_balance_amount
from exposed
