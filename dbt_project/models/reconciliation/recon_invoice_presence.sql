with held as (
    select record.connection, record.record_id, record.external_id
    from {{ ref('stg_salesforce__ar_invoice') }} as record
    inner join {{ ref('stg_arsync__connection') }} as connection
        on record.connection = connection.connection and connection.role = 'crm'
    where not record.is_deleted
),

repeated as (
    select connection, external_id, count(*) as record_count, min(record_id) as record_id
    from held
    group by connection, external_id
    having count(*) > 1
)

select
    'missing:' || connection || ':' || external_id as finding_id,
    'missing' as finding,
    connection,
    external_id as business_key,
    customer_id,
    legal_entity_id,
    open_amount as amount,
    currency,
    'accounts_receivable' as owner,
    true as is_repairable
from {{ ref('int_salesforce__invoice_compared') }}
where not is_held

union all

select
    'extra:' || connection || ':' || record_id as finding_id,
    'extra' as finding,
    connection,
    external_id as business_key,
    customer_id,
    legal_entity_id,
    held_open_amount as amount,
    held_currency as currency,
    'accounts_receivable' as owner,
    true as is_repairable
from {{ ref('int_salesforce__invoice_compared') }}
where not is_desired and coalesce(held_open_amount, 0) <> 0

union all

select
    'duplicate:' || connection || ':' || external_id as finding_id,
    'duplicate' as finding,
    connection,
    external_id as business_key,
    cast(null as {{ dbt.type_string() }}) as customer_id,
    cast(null as {{ dbt.type_string() }}) as legal_entity_id,
    cast(null as decimal(18, 4)) as amount,
    cast(null as {{ dbt.type_string() }}) as currency,
    'accounts_receivable' as owner,
    false as is_repairable
from repeated
where external_id is not null
