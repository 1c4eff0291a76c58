select
    source_customer_id as record_key,
    connection,
    source_id,
    'erp_customer' as record_type,
    number,
    cast(null as {{ dbt.type_string() }}) as reference_number,
    name,
    country,
    {{ tax_key('country', 'tax_registration') }} as tax_key,
    currency,
    merged_into_source_customer_id as merged_into_record_key,
    is_deleted,
    first_seq,
    first_loaded_at
from {{ ref('int_erp_customer') }}

union all

select
    connection || ':' || account_id as record_key,
    connection,
    account_id as source_id,
    'crm_account' as record_type,
    account_number as number,
    erp_customer_id as reference_number,
    name,
    upper(billing_country) as country,
    {{ tax_key('billing_country', 'tax_registration') }} as tax_key,
    currency_iso_code as currency,
    connection || ':' || master_record_id as merged_into_record_key,
    is_deleted,
    first_seq,
    first_loaded_at
from {{ ref('stg_salesforce__account') }}

union all

select
    source_customer_id as record_key,
    connection,
    customer_id as source_id,
    'processor_customer' as record_type,
    customer_id as number,
    erp_customer as reference_number,
    name,
    upper(country) as country,
    cast(null as {{ dbt.type_string() }}) as tax_key,
    currency,
    cast(null as {{ dbt.type_string() }}) as merged_into_record_key,
    is_deleted,
    first_seq,
    first_loaded_at
from {{ ref('stg_stripe__customer') }}
