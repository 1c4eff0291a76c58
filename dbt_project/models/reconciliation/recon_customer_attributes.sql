with compared as (
    select
        account.connection,
        account.account_id,
        customer.customer_id,
        crm.name as crm_name,
        customer.name as erp_name,
        crm.country as crm_country,
        customer.country as erp_country,
        crm.tax_key as crm_tax_key,
        customer.tax_key as erp_tax_key
    from {{ ref('int_customer__primary_account') }} as account
    inner join {{ ref('dim_customer') }} as customer
        on account.customer_id = customer.customer_id and customer.erp_customer_count > 0
    inner join {{ ref('int_customer_record') }} as crm
        on account.connection || ':' || account.account_id = crm.record_key
),

differences as (
    select connection, account_id, customer_id, 'name' as attribute, crm_name as crm_value, erp_name as erp_value
    from compared
    where {{ alphanumeric('crm_name') }} is distinct from {{ alphanumeric('erp_name') }}

    union all

    select connection, account_id, customer_id, 'country' as attribute, crm_country, erp_country
    from compared
    where crm_country is not null and erp_country is not null and crm_country <> erp_country

    union all

    select connection, account_id, customer_id, 'tax_registration' as attribute, crm_tax_key, erp_tax_key
    from compared
    where crm_tax_key is not null and erp_tax_key is not null and crm_tax_key <> erp_tax_key
)

select
    differences.attribute || ':' || differences.connection || ':' || differences.account_id as finding_id,
    'different' as finding,
    differences.connection,
    differences.account_id as business_key,
    differences.customer_id,
    differences.attribute,
    differences.crm_value,
    differences.erp_value,
    total.open_balance_amount as amount,
    total.currency,
    case differences.attribute when 'tax_registration' then 'tax' else 'sales_operations' end as owner,
    false as is_repairable
from differences
left join {{ ref('ar_customer_rollup') }} as total on differences.customer_id = total.customer_id
