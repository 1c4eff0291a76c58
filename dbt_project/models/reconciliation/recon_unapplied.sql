select
    item_id as finding_id,
    'stale' as finding,
    document_id as business_key,
    item_type,
    customer_id,
    legal_entity_id,
    open_amount as amount,
    currency,
    document_date,
    {{ dbt.datediff('document_date', 'as_of_date', 'day') }} as age_days,
    'cash_application' as owner,
    false as is_repairable
from {{ ref('fct_ar_aging') }}
where item_type <> 'invoice'
