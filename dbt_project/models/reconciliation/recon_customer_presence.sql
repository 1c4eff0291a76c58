with receivables as (
    select customer_id, currency, open_balance_amount from {{ ref('ar_customer_rollup') }}
),

crm_connections as (
    select connection from {{ ref('stg_arsync__connection') }} where role = 'crm'
),

crm_records as (
    select record.*, account.account_id is not null as is_primary
    from {{ ref('int_customer_record__clustered') }} as record
    left join {{ ref('int_customer__primary_account') }} as account
        on record.connection = account.connection and record.source_id = account.account_id
    where record.record_type = 'crm_account' and not record.is_deleted
)

select
    'missing:' || crm_connections.connection || ':' || customer.customer_id as finding_id,
    'missing' as finding,
    crm_connections.connection,
    customer.erp_customer_number as business_key,
    customer.customer_id,
    receivables.open_balance_amount as amount,
    receivables.currency,
    'ERP customer ' || customer.erp_customer_number || ' (' || coalesce(customer.name, '') || ') has no CRM account' as detail,
    'sales_operations' as owner,
    false as is_repairable
from {{ ref('dim_customer') }} as customer
cross join crm_connections
left join receivables on customer.customer_id = receivables.customer_id
left join {{ ref('int_customer__primary_account') }} as account
    on customer.customer_id = account.customer_id and crm_connections.connection = account.connection
where customer.erp_customer_count > 0 and not customer.is_intercompany and account.account_id is null

union all

select
    'duplicate:' || crm_records.record_key as finding_id,
    'duplicate' as finding,
    crm_records.connection,
    crm_records.source_id as business_key,
    crm_records.customer_id,
    receivables.open_balance_amount as amount,
    receivables.currency,
    'account is the same company as primary account ' || primary_account.account_id as detail,
    'sales_operations' as owner,
    false as is_repairable
from crm_records
inner join {{ ref('int_customer__primary_account') }} as primary_account
    on crm_records.customer_id = primary_account.customer_id and crm_records.connection = primary_account.connection
left join receivables on crm_records.customer_id = receivables.customer_id
where not crm_records.is_primary

union all

select
    'extra:' || crm_records.record_key as finding_id,
    case when crm_records.is_ambiguous then 'different' else 'extra' end as finding,
    crm_records.connection,
    crm_records.source_id as business_key,
    crm_records.customer_id,
    cast(null as {{ type_total() }}) as amount,
    cast(null as {{ dbt.type_string() }}) as currency,
    case
        when crm_records.is_ambiguous
            then 'ERP customer id ' || crm_records.reference_number || ' exists in several ERPs; write <connection>:<id>'
        else 'ERP customer id ' || crm_records.reference_number || ' is unknown to every ERP'
    end as detail,
    'sales_operations' as owner,
    false as is_repairable
from crm_records
where crm_records.reference_number is not null and crm_records.erp_record_key is null
