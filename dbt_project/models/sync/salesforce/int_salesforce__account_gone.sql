{{ config(materialized='view') }}

select
    account.connection,
    account.account_id,
    account.name,
    account.erp_customer_id,
    account.master_record_id as merged_into_account_id,
    account.modified_at as gone_at,
    record.customer_id,
    customer.name as customer_name,
    customer.country as region,
    -- what carries the customer's figures now, null while nothing does
    primary_account.account_id as shown_on_account_id,
    total.open_balance_amount as open_balance,
    total.currency
from {{ ref('stg_salesforce__account') }} as account
inner join {{ ref('stg_arsync__connection') }} as connection
    on account.connection = connection.connection
    and connection.role = 'crm'
    and connection.vendor = 'salesforce'
left join {{ ref('int_customer_record__clustered') }} as record
    on account.connection || ':' || account.account_id = record.record_key
left join {{ ref('dim_customer') }} as customer on record.customer_id = customer.customer_id
left join {{ ref('int_customer__primary_account') }} as primary_account
    on record.customer_id = primary_account.customer_id and account.connection = primary_account.connection
left join {{ ref('ar_customer_rollup') }} as total on record.customer_id = total.customer_id
where account.is_deleted
