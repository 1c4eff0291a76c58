{# How raw text becomes typed columns. A value that does not fit fails the build: nothing here hides a bad one. #}

{% macro to_text(column) %}nullif(trim({{ column }}), ''){% endmacro %}

{# Eighteen digits are a machine integer: DuckDB parses wider decimals some fifty times slower. A larger number fails. #}
{% macro to_number(column) %}cast(nullif(trim({{ column }}), '') as decimal(18, 5)){% endmacro %}

{% macro to_rate(column) %}cast(nullif(trim({{ column }}), '') as decimal(18, 9)){% endmacro %}

{% macro to_integer(column) %}cast(nullif(trim({{ column }}), '') as integer){% endmacro %}

{% macro to_date(column) %}cast(nullif(trim({{ column }}), '') as date){% endmacro %}

{% macro to_timestamp(column) %}cast(nullif(trim({{ column }}), '') as timestamp){% endmacro %}

{# ISO 8601 with an offset, as Salesforce renders it, to a UTC timestamp #}
{% macro to_utc(column) %}{{ return(adapter.dispatch('to_utc', 'arsync')(column)) }}{% endmacro %}
{% macro default__to_utc(column) %}(cast(nullif(trim({{ column }}), '') as timestamptz) at time zone 'UTC'){% endmacro %}

{# 'T'/'F' of NetSuite and true/false of everybody else #}
{% macro to_flag(column) -%}
case
    when {{ column }} is null or {{ column }} = '' then false
    when {{ column }} = 'T' then true
    when {{ column }} = 'F' then false
    else cast({{ column }} as boolean)
end
{%- endmacro %}

{# unix seconds to a UTC timestamp #}
{% macro from_unix(column) %}{{ return(adapter.dispatch('from_unix', 'arsync')(column)) }}{% endmacro %}
{% macro default__from_unix(column) %}(to_timestamp({{ column }}) at time zone 'UTC'){% endmacro %}

{# the day that a UTC timestamp falls on in a time zone #}
{% macro local_date(column, time_zone) %}cast({{ column }} at time zone 'UTC' at time zone {{ time_zone }} as date){% endmacro %}

{# byte order whatever the database's collation, so that "lowest id" means the same everywhere #}
{% macro byte_order(column) %}{{ return(adapter.dispatch('byte_order', 'arsync')(column)) }}{% endmacro %}
{% macro default__byte_order(column) %}{{ column }} collate "C"{% endmacro %}
{% macro duckdb__byte_order(column) %}{{ column }}{% endmacro %}

{# keeps letters and digits only, upper case #}
{% macro alphanumeric(column) %}{{ return(adapter.dispatch('alphanumeric', 'arsync')(column)) }}{% endmacro %}
{% macro default__alphanumeric(column) %}upper(regexp_replace({{ column }}, '[^A-Za-z0-9]', '', 'g')){% endmacro %}
