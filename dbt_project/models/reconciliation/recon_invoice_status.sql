select
    desired.connection || ':' || desired.external_id as finding_id,
    case
        when desired.open_amount is distinct from held.open_amount
            or desired.total_amount is distinct from held.total_amount then 'different'
        else 'stale'
    end as finding,
    desired.connection,
    desired.external_id as business_key,
    desired.customer_id,
    desired.legal_entity_id,
    desired.status as erp_status,
    held.status as crm_status,
    desired.open_amount as erp_open_amount,
    held.open_amount as crm_open_amount,
    abs(desired.open_amount - coalesce(held.open_amount, 0)) as amount,
    desired.currency,
    'accounts_receivable' as owner,
    true as is_repairable
from {{ ref('int_salesforce__invoice_desired') }} as desired
inner join {{ ref('stg_salesforce__ar_invoice') }} as held
    on desired.connection = held.connection and desired.external_id = held.external_id and not held.is_deleted
where desired.status is distinct from held.status
    or desired.open_amount is distinct from held.open_amount
    or desired.total_amount is distinct from held.total_amount
    or desired.aging_bucket is distinct from held.aging_bucket
