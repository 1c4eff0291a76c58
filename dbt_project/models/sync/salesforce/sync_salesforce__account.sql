{%- set fields = [['erp_customer_id', 'erp_customer_id', 'text']] + account_fields() -%}

with observed as (
    select
        connection,
        account_id,
        erp_customer_id as shown_erp_customer_id,
        {% for name, column, kind in account_fields() %}shown_{{ column }},
        {% endfor %}
        iso.minor_unit
    from {{ ref('stg_salesforce__account') }} as account
    left join {{ ref('iso_currency') }} as iso on account.shown_currency = iso.currency
    where not is_deleted
)

select
    desired.connection,
    'account' as object,
    desired.account_id as business_key,
    desired.account_id as parent_key,
    desired.customer_id,
    cast(null as {{ dbt.type_string() }}) as legal_entity_id,
    false as is_new,
    {{ payload_json(fields, 'desired', 'desired.minor_unit') }} as payload,
    {{ observed_json(fields, 'observed', 'observed.minor_unit', 'shown_') }} as before
from {{ ref('int_salesforce__account_desired') }} as desired
inner join observed
    on desired.connection = observed.connection and desired.account_id = observed.account_id
where {{ fields_differ(fields, 'desired', 'observed', 'shown_') }}
