with items as (
    select
        aging.*,
        {{ dbt.datediff('aging.document_date', 'aging.as_of_date', 'day') }} as age_days,
        policy.unapplied_days
    from {{ ref('fct_ar_aging') }} as aging
    cross join {{ ref('stg_arsync__policy') }} as policy
    where aging.bucket_number = 0
)

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
    age_days,
    'cash_application' as owner,
    false as is_repairable
from items
-- cash application has its days: nothing is wrong with a payment of yesterday
where age_days > unapplied_days
