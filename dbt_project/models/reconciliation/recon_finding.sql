{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='finding_key',
    on_schema_change='fail',
    full_refresh=false
) }}
{%- set text = dbt.type_string() -%}
{%- set none_text = 'cast(null as ' ~ text ~ ')' -%}
{%- set now = "cast('" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') ~ "' as timestamp)" -%}
{#- check, and what its table has no column for -#}
{%- set checks = [
    ['recon_customer_presence', {'legal_entity_id': none_text}],
    ['recon_customer_attributes', {
        'legal_entity_id': none_text,
        'detail': "attribute || ': CRM ' || coalesce(crm_value, '(none)') || ', ERP ' || coalesce(erp_value, '(none)')",
    }],
    ['recon_invoice_presence', {'detail': none_text}],
    ['recon_invoice_status', {
        'detail': "'CRM ' || coalesce(crm_status, '(none)') || ' ' || cast(coalesce(crm_open_amount, 0) as " ~ text
            ~ ") || ', ERP ' || coalesce(erp_status, '(none)') || ' ' || cast(coalesce(erp_open_amount, 0) as " ~ text ~ ")",
    }],
    ['recon_account_balance', {
        'legal_entity_id': none_text,
        'detail': "'CRM ' || coalesce(cast(crm_open_balance as " ~ text ~ "), '(none)') || ', ERP ' || coalesce(cast(erp_open_balance as "
            ~ text ~ "), '(none)')",
    }],
    ['recon_payment_processor', {'legal_entity_id': none_text}],
    ['recon_unapplied', {'connection': "split_part(business_key, ':', 1)", 'detail': none_text}],
    ['recon_document', {}],
    ['recon_gl_control', {
        'finding_id': 'gl_control_id', 'finding': "'different'", 'connection': "split_part(legal_entity_id, ':', 1)",
        'business_key': 'gl_control_id', 'customer_id': none_text, 'amount': 'difference',
        'detail': "'aging ' || cast(aging_total as " ~ text ~ ") || ', sub-ledger ' || cast(subledger as " ~ text
            ~ ") || ', general ledger ' || coalesce(cast(gl_control as " ~ text ~ "), '(none)')",
        'where': 'difference <> 0',
    }],
    ['recon_counts', {
        'finding_id': 'count_id', 'finding': "case when difference < 0 then 'missing' when difference > 0 then 'extra' else 'different' end",
        'business_key': 'count_id', 'customer_id': none_text, 'legal_entity_id': none_text, 'amount': 'abs(amount_difference)',
        'detail': "step || ': ' || cast(actual_count as " ~ text ~ ") || ' of ' || cast(expected_count as " ~ text ~ ")",
        'where': 'difference <> 0 or amount_difference <> 0',
    }],
] -%}
{%- set columns = [
    'finding_id', 'finding', 'connection', 'business_key', 'customer_id', 'legal_entity_id', 'amount', 'currency', 'detail',
    'owner', 'is_repairable',
] %}

with found as (
    {%- for check, given in checks %}
    select
        '{{ check }}' as check_name
        {%- for column in columns %},
        {% if column == 'amount' %}cast({{ given.get(column, column) }} as {{ type_total() }}) as amount
        {%- else %}{{ given.get(column, column) }} as {{ column }}{% endif %}
        {%- endfor %}
    from {{ ref(check) }}
    {% if given.where %}where {{ given.where }}{% endif %}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

{%- if is_incremental() %},

held as (
    select * from {{ this }} where closed_at is null
)

select
    coalesce(held.finding_key, found.check_name || '|' || found.finding_id || '@' || replace(cast({{ now }} as {{ text }}), ' ', 'T'))
        as finding_key,
    found.*,
    coalesce(held.first_seen_at, {{ now }}) as first_seen_at,
    {{ now }} as last_seen_at,
    cast(null as timestamp) as closed_at
from found
left join held on found.check_name = held.check_name and found.finding_id = held.finding_id

union all

-- no longer found: closed by itself
select
    held.finding_key,
    held.check_name,
    {% for column in columns %}held.{{ column }}, {% endfor %}
    held.first_seen_at,
    held.last_seen_at,
    {{ now }} as closed_at
from held
left join found on held.check_name = found.check_name and held.finding_id = found.finding_id
where found.finding_id is null
{%- else %}

select
    check_name || '|' || finding_id || '@' || replace(cast({{ now }} as {{ text }}), ' ', 'T') as finding_key,
    found.*,
    {{ now }} as first_seen_at,
    {{ now }} as last_seen_at,
    cast(null as timestamp) as closed_at
from found
{%- endif %}
