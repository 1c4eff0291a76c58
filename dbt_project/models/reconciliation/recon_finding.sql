{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='finding_key',
    on_schema_change='append_new_columns',
    full_refresh=false,
    pre_hook="{{ forget_repaired(90) }}"
) }}
{#- a push that has not repaired a finding for so many days will not: somebody has to look -#}
{%- set repair_days = 3 -%}
{%- set text = dbt.type_string() -%}
{%- set none_text = 'cast(null as ' ~ text ~ ')' -%}
{%- set now = "cast('" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') ~ "' as timestamp)" -%}
{#- before the first push nothing is missing in a CRM, it is only not there yet -#}
{%- set records_sent = 'select connection from ' ~ ref('stg_salesforce__ar_invoice') -%}
{%- set balances_sent = 'select connection from ' ~ ref('stg_salesforce__account') ~ ' where shown_open_balance is not null' -%}
{#- check, and what its table has no column for -#}
{%- set checks = [
    ['recon_customer_presence', {'legal_entity_id': none_text}],
    ['recon_customer_attributes', {
        'legal_entity_id': none_text,
        'detail': "attribute || ': CRM ' || coalesce(crm_value, '(none)') || ', ERP ' || coalesce(erp_value, '(none)')",
    }],
    ['recon_invoice_presence', {
        'detail': none_text,
        'where': "finding <> 'missing' or connection in (" ~ records_sent ~ ')',
    }],
    ['recon_invoice_status', {
        'detail': "'CRM ' || coalesce(crm_status, '(none)') || ' ' || cast(coalesce(crm_open_amount, 0) as " ~ text
            ~ ") || ', ERP ' || coalesce(erp_status, '(none)') || ' ' || cast(coalesce(erp_open_amount, 0) as " ~ text ~ ")",
    }],
    ['recon_account_balance', {
        'legal_entity_id': none_text,
        'detail': "'CRM ' || coalesce(cast(crm_open_balance as " ~ text ~ "), '(none)') || ', ERP ' || coalesce(cast(erp_open_balance as "
            ~ text ~ "), '(none)')",
        'where': "finding <> 'missing' or connection in (" ~ balances_sent ~ ')',
    }],
    ['recon_payment_processor', {'legal_entity_id': none_text}],
    ['recon_unapplied', {'connection': "split_part(business_key, ':', 1)", 'detail': none_text}],
    ['recon_document', {'severity': 'severity'}],
    ['recon_gl_control', {
        'finding_id': 'gl_control_id', 'finding': "'different'", 'severity': "'critical'",
        'connection': "split_part(legal_entity_id, ':', 1)", 'business_key': 'gl_control_id', 'customer_id': none_text,
        'amount': 'difference',
        'detail': "case when basis = 'functional' then 'in functional currency: ' else '' end || 'aging ' || cast(aging_total + unrealised as " ~ text ~ ") || ', sub-ledger ' || cast(subledger as " ~ text
            ~ ") || ', general ledger ' || coalesce(cast(gl_control as " ~ text ~ "), '(none)')",
        'where': 'difference <> 0',
    }],
    ['recon_counts', {
        'finding_id': 'count_id', 'finding': "case when difference < 0 then 'missing' when difference > 0 then 'extra' else 'different' end",
        'severity': 'severity', 'business_key': 'count_id', 'customer_id': none_text, 'amount': 'amount_difference',
        'detail': "step || ': ' || cast(actual_count as " ~ text ~ ") || ' of ' || cast(expected_count as " ~ text ~ ")",
        'where': "(difference <> 0 or amount_difference <> 0) and (step <> 'canonical to CRM' or connection in (" ~ records_sent ~ '))',
    }],
] -%}
{%- set columns = [
    'finding_id', 'finding', 'severity', 'connection', 'business_key', 'customer_id', 'legal_entity_id', 'amount', 'currency',
    'detail', 'owner', 'is_repairable',
] %}

with found as (
    {%- for check, given in checks %}
    select
        '{{ check }}' as check_name
        {%- for column in columns %},
        {% if column == 'amount' %}cast(abs({{ given.get(column, column) }}) as {{ type_total() }}) as amount
        {%- elif column == 'severity' %}{{ given.get(column, "'warning'") }} as severity
        {%- else %}{{ given.get(column, column) }} as {{ column }}{% endif %}
        {%- endfor %}
    from {{ ref(check) }}
    {% if given.where %}where {{ given.where }}{% endif %}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

{% if is_incremental() -%}
held as (
    select * from {{ this }} where closed_at is null
),

seen as (
    select
        found.*,
        held.finding_key,
        coalesce(held.first_seen_at, {{ now }}) as first_seen_at,
        coalesce(held.times_seen, 0) + 1 as times_seen
    from found
    left join held on found.check_name = held.check_name and found.finding_id = held.finding_id
)
{%- else -%}
seen as (
    select found.*, {{ none_text }} as finding_key, {{ now }} as first_seen_at, 1 as times_seen from found
)
{%- endif %}

select
    coalesce(finding_key, check_name || '|' || finding_id || '@' || replace(cast({{ now }} as {{ text }}), ' ', 'T')) as finding_key,
    check_name,
    {% for column in columns if column != 'is_repairable' %}{{ column }}, {% endfor %}
    is_repairable and first_seen_at > {{ dbt.dateadd('day', -repair_days, now) }} as is_repairable,
    first_seen_at,
    {{ now }} as last_seen_at,
    cast(null as timestamp) as closed_at,
    cast(times_seen as integer) as times_seen,
    {{ dbt.datediff('first_seen_at', now, 'day') }} as age_days
from seen
{%- if is_incremental() %}

union all

-- no longer found: closed by itself
select
    held.finding_key,
    held.check_name,
    {% for column in columns %}held.{{ column }}, {% endfor %}
    held.first_seen_at,
    held.last_seen_at,
    {{ now }} as closed_at,
    held.times_seen,
    {{ dbt.datediff('held.first_seen_at', now, 'day') }} as age_days
from held
left join found on held.check_name = found.check_name and held.finding_id = found.finding_id
where found.finding_id is null
{%- endif %}
