{%- set fields = invoice_fields() -%}

with live_accounts as (
    select connection, account_id from {{ ref('stg_salesforce__account') }} where not is_deleted
),

-- a record that nothing stands behind any more is shown as void with nothing open, never deleted
wanted as (
    select
        compared.connection,
        compared.external_id,
        compared.customer_id,
        compared.legal_entity_id,
        compared.is_held,
        compared.minor_unit,
        compared.held_minor_unit,
        {% for name, column, kind in fields %}
        case
            when compared.is_desired then compared.{{ column }}
            {%- if name in ['open_amount', 'disputed_amount'] %}
            else 0
            {%- elif name == 'status' %}
            else 'void'
            {%- elif name not in ['aging_bucket', 'dunning_level'] %}
            else compared.held_{{ column }}
            {%- endif %}
        end as {{ column }},
        compared.held_{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_salesforce__invoice_compared') }} as compared
    left join live_accounts
        on compared.connection = live_accounts.connection and compared.held_account_id = live_accounts.account_id
    where compared.is_desired or live_accounts.account_id is not null
)

select
    wanted.connection,
    'invoice' as object,
    wanted.external_id as business_key,
    wanted.account_id as parent_key,
    wanted.customer_id,
    wanted.legal_entity_id,
    not wanted.is_held as is_new,
    {{ payload_json(fields, 'wanted', 'wanted.minor_unit') }} as payload,
    case
        when not wanted.is_held then '{}'
        else {{ observed_json(fields, 'wanted', 'wanted.held_minor_unit', 'held_') }}
    end as before
from wanted
where not wanted.is_held
    or {{ fields_differ(fields, 'wanted', 'wanted', 'held_') }}
