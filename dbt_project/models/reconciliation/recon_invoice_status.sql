select
    connection || ':' || external_id as finding_id,
    case
        when open_amount is distinct from held_open_amount or total_amount is distinct from held_total_amount
            then 'different'
        else 'stale'
    end as finding,
    connection,
    external_id as business_key,
    customer_id,
    legal_entity_id,
    status as erp_status,
    held_status as crm_status,
    open_amount as erp_open_amount,
    held_open_amount as crm_open_amount,
    abs(open_amount - coalesce(held_open_amount, 0)) as amount,
    currency,
    'accounts_receivable' as owner,
    true as is_repairable
from {{ ref('int_salesforce__invoice_compared') }}
where is_desired
    and is_held
    and (
        status is distinct from held_status
        or open_amount is distinct from held_open_amount
        or total_amount is distinct from held_total_amount
        or aging_bucket is distinct from held_aging_bucket
    )
