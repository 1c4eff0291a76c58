{%- set fields = invoice_fields() -%}
{%- set inputs = [['fct_invoice', 'invoice_id'], ['stg_salesforce__ar_invoice', 'external_id']] + document_inputs() -%}
{%- set settings = [
    ['stg_arsync__connection', ['connection', 'role', 'vendor']],
    ['stg_arsync__policy', ['erp_link_template']],
    ['int_customer__primary_account', ['connection', 'account_id', 'customer_id']],
    ['dim_legal_entity', ['legal_entity_id', 'name', 'as_of_date', 'is_elimination']],
    ['int_intercompany_customer', ['source_customer_id']],
    ['iso_currency', ['currency', 'minor_unit']],
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_compared(" ~ inputs ~ ", " ~ settings ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ", " ~ settings ~ ") }}"
) }}
{%- set only_touched = rows_stand(settings) %}

with held as (
    select record.*, iso.minor_unit as held_minor_unit
    from {{ ref('stg_salesforce__ar_invoice') }} as record
    inner join {{ ref('stg_arsync__connection') }} as connection
        on record.connection = connection.connection
        and connection.role = 'crm'
        and connection.vendor = 'salesforce'
    left join {{ ref('iso_currency') }} as iso on record.currency = iso.currency
    where not record.is_deleted and record.external_id is not null
        {% if only_touched %}and record.external_id in ({{ changed_keys(inputs) }}){% endif %}
),

desired as (
    select * from {{ ref('int_salesforce__invoice_desired') }}
    {% if only_touched %}where external_id in ({{ changed_keys(inputs) }}){% endif %}
)

select
    coalesce(desired.connection, held.connection) as connection,
    coalesce(desired.external_id, held.external_id) as external_id,
    desired.customer_id,
    desired.legal_entity_id,
    desired.external_id is not null as is_desired,
    held.external_id is not null as is_held,
    coalesce(desired.minor_unit, held.held_minor_unit, 2) as minor_unit,
    held.held_minor_unit,
    held.record_id,
    {% for name, column, kind in fields %}
    desired.{{ column }},
    held.{{ column }} as held_{{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from desired
full outer join held
    on desired.connection = held.connection and desired.external_id = held.external_id
where desired.external_id is null
    or held.external_id is null
    or {{ fields_differ(fields, 'desired', 'held') }}
