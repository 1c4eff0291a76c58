{# How long findings are kept. #}

{# pre-hook: what a push repaired in time needs no memory beyond `days`; what people had to act upon stays #}
{% macro forget_repaired(days) %}
{%- if is_incremental() -%}
delete from {{ this }}
where is_repairable
    and closed_at < {{ dbt.dateadd('day', -days, "cast('" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S') ~ "' as timestamp)") }}
{%- endif -%}
{% endmacro %}
