{%- set fields = account_balance_fields() -%}

with observed as (
    select record.*, iso.minor_unit
    from {{ ref('stg_salesforce__ar_account_balance') }} as record
    inner join {{ ref('stg_arsync__connection') }} as connection
        on record.connection = connection.connection
        and connection.role = 'crm'
        and connection.vendor = 'salesforce'
    left join {{ ref('iso_currency') }} as iso on record.currency = iso.currency
    where record.external_id is not null
),

live_accounts as (
    select connection, account_id from {{ ref('stg_salesforce__account') }} where not is_deleted
),

-- a record that nothing stands behind any more is emptied, never deleted
wanted as (
    select
        connection,
        external_id,
        customer_id,
        legal_entity_id,
        minor_unit,
        {% for name, column, kind in fields %}{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ ref('int_salesforce__account_balance_desired') }}

    union all

    select
        observed.connection,
        observed.external_id,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        cast(null as {{ dbt.type_string() }}) as legal_entity_id,
        coalesce(observed.minor_unit, 2) as minor_unit,
        {% for name, column, kind in fields %}
        {%- if name in ['account_id', 'legal_entity', 'currency', 'erp_customer_id', 'as_of_date'] %}
        observed.{{ column }}
        {%- elif name in ['credit_limit', 'credit_available', 'payment_terms', 'oldest_due_date'] %}
        null as {{ column }}
        {%- elif kind == 'flag' %}
        false as {{ column }}
        {%- else %}
        0 as {{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from observed
    inner join live_accounts
        on observed.connection = live_accounts.connection and observed.account_id = live_accounts.account_id
    left join {{ ref('int_salesforce__account_balance_desired') }} as desired
        on observed.connection = desired.connection and observed.external_id = desired.external_id
    where desired.external_id is null
)

select
    wanted.connection,
    'account_balance' as object,
    wanted.external_id as business_key,
    wanted.account_id as parent_key,
    wanted.customer_id,
    wanted.legal_entity_id,
    observed.external_id is null as is_new,
    {{ payload_json(fields, 'wanted', 'wanted.minor_unit') }} as payload,
    case
        when observed.external_id is null then '{}'
        else {{ observed_json(fields, 'observed', 'observed.minor_unit') }}
    end as before
from wanted
left join observed
    on wanted.connection = observed.connection and wanted.external_id = observed.external_id
where observed.external_id is null
    or {{ fields_differ(fields, 'wanted', 'observed') }}
