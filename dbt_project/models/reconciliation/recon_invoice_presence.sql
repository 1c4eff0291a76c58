with held as (
    select record.connection, record.record_id, record.external_id, record.account_id, record.currency, record.open_amount
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
    'missing:' || desired.connection || ':' || desired.external_id as finding_id,
    'missing' as finding,
    desired.connection,
    desired.external_id as business_key,
    desired.customer_id,
    desired.legal_entity_id,
    desired.open_amount as amount,
    desired.currency,
    'accounts_receivable' as owner,
    true as is_repairable
from {{ ref('int_salesforce__invoice_desired') }} as desired
left join held on desired.connection = held.connection and desired.external_id = held.external_id
where held.external_id is null

union all

select
    'extra:' || held.connection || ':' || held.record_id as finding_id,
    'extra' as finding,
    held.connection,
    coalesce(held.external_id, held.record_id) as business_key,
    cast(null as {{ dbt.type_string() }}) as customer_id,
    cast(null as {{ dbt.type_string() }}) as legal_entity_id,
    held.open_amount as amount,
    held.currency,
    'accounts_receivable' as owner,
    held.external_id is not null as is_repairable
from held
left join {{ ref('int_salesforce__invoice_desired') }} as desired
    on held.connection = desired.connection and held.external_id = desired.external_id
where desired.external_id is null and coalesce(held.open_amount, 0) <> 0

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
