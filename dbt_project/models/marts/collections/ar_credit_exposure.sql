-- what the CRM shows of a customer's credit is ar_customer_summary's; here it stands beside what makes it up
select
    customer_summary_id as credit_exposure_id,
    customer_id,
    legal_entity_id,
    currency,
    credit_limit_amount,
    open_balance_amount,
    unbilled_order_amount,
    cast(open_balance_amount + unbilled_order_amount as {{ type_total() }}) as exposure_amount,
    credit_available_amount,
    is_over_limit,
    is_on_credit_hold,
    overdue_balance_amount
from {{ ref('ar_customer_summary') }}
