{# JSON text with the keys in the order given, so that the same state is always the same text. `pairs`: [[key, sql], ...] #}

{% macro json_text(pairs) %}{{ return(adapter.dispatch('json_text', 'arsync')(pairs)) }}{% endmacro %}
{% macro default__json_text(pairs) %}cast(json_build_object({% for key, value in pairs %}'{{ key }}', {{ value }}{% if not loop.last %}, {% endif %}{% endfor %}) as text){% endmacro %}
{% macro duckdb__json_text(pairs) %}cast(json_object({% for key, value in pairs %}'{{ key }}', {{ value }}{% if not loop.last %}, {% endif %}{% endfor %}) as varchar){% endmacro %}

{# text value of a top-level key #}
{% macro json_value(column, key) %}{{ return(adapter.dispatch('json_value', 'arsync')(column, key)) }}{% endmacro %}
{% macro default__json_value(column, key) %}nullif(cast({{ column }} as jsonb) ->> '{{ key }}', ''){% endmacro %}
{% macro duckdb__json_value(column, key) %}nullif(json_extract_string({{ column }}, '$.{{ key }}'), ''){% endmacro %}

{# one row per element of a list, as text; stands alone in a select list #}
{% macro json_elements(column) %}{{ return(adapter.dispatch('json_elements', 'arsync')(column)) }}{% endmacro %}
{% macro default__json_elements(column) %}jsonb_array_elements_text(cast({{ column }} as jsonb)){% endmacro %}
{% macro duckdb__json_elements(column) %}unnest(from_json({{ column }}, '["VARCHAR"]')){% endmacro %}
