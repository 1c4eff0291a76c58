-- depends_on: {{ ref('dim_legal_entity') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    full_refresh=false,
    pre_hook="{{ forget_last_day() }}"
) }}

{%- set amounts = [
    'current_amount', 'days_1_30_amount', 'days_31_60_amount', 'days_61_90_amount', 'days_91_plus_amount',
    'unapplied_amount', 'open_balance_amount', 'overdue_balance_amount', 'disputed_amount'
] %}

select
    summary.customer_id || '|' || summary.legal_entity_id || '|' || summary.currency || '|'
    || cast(summary.as_of_date as {{ dbt.type_string() }}) as aging_daily_id,
    summary.customer_id,
    summary.legal_entity_id,
    summary.currency,
    summary.as_of_date,
    {% for amount in amounts %}
    summary.{{ amount }},
    {% endfor %}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp) as known_at
from {{ ref('ar_customer_summary') }} as summary
{% if is_incremental() %}
left join (
    select legal_entity_id, max(as_of_date) as last_date from {{ this }} group by legal_entity_id
) as shown on summary.legal_entity_id = shown.legal_entity_id
{% endif %}
where (
    {%- for amount in amounts %}
    summary.{{ amount }} <> 0{{ ' or' if not loop.last }}
    {%- endfor %}
)
{% if is_incremental() %}
and summary.as_of_date >= coalesce(shown.last_date, summary.as_of_date)
{% endif %}
