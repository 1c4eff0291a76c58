{# A key of another connection is written <connection>:<id>; one without a colon is of the row's own connection. #}
{% macro source_key(column) -%}
case when {{ column }} like '%:%' then {{ column }} else _connection || ':' || {{ arsync.to_text(column) }} end
{%- endmacro %}
