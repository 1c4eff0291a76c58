{# Rules of a table in one test, a query and a check for each costing more than their rows. A row for every broken rule:
   what it demands, how many rows break it, and some of the values that do.

   unique, not_null: columns; a unique one may be null unless named in both.
   unique_recent: column -> {date_column, days}: uniqueness of a large table's key where it still moves, rows dated
       within `days` of the latest as-of date, or after.
   accepted: column -> values. known: column -> {to, field}, where every value must be found.

   At most five rules: a check shows five rows, and none may be hidden. #}
{% test holds(model, unique=[], not_null=[], unique_recent={}, accepted={}, known={}) %}
{{ config(fail_calc='cast(coalesce(sum(row_count), 0) as bigint)') }}
{%- set rules = [] -%}
{%- for column in not_null -%}
    {%- do rules.append(arsync.broken_rule(column ~ ' is null', column, model ~ ' where ' ~ column ~ ' is null')) -%}
{%- endfor -%}
{%- for column in unique -%}
    {%- do rules.append(arsync.broken_rule(column ~ ' is not unique', column, model ~ ' where ' ~ column ~ ' is not null', 'count(*) > 1')) -%}
{%- endfor -%}
{%- for column, recent in unique_recent.items() -%}
    {%- set since = dbt.dateadd('day', -recent.days, '(select max(as_of_date) from ' ~ ref('dim_legal_entity') ~ ')') -%}
    {%- set rows = model ~ ' where ' ~ recent.date_column ~ ' > ' ~ since -%}
    {%- do rules.append(arsync.broken_rule(column ~ ' is not unique', column, rows, 'count(*) > 1')) -%}
{%- endfor -%}
{%- for column, values in accepted.items() -%}
    {%- set rows = model ~ ' where ' ~ column ~ " not in ('" ~ values | join("', '") ~ "')" -%}
    {%- do rules.append(arsync.broken_rule(column ~ ' is not accepted', column, rows)) -%}
{%- endfor -%}
{%- for column, place in known.items() -%}
    {%- set rows = model ~ ' where ' ~ column ~ ' not in (select ' ~ place.field ~ ' from ' ~ place.to ~ ' where ' ~ place.field ~ ' is not null)' -%}
    {%- do rules.append(arsync.broken_rule(column ~ ' is unknown', column, rows)) -%}
{%- endfor -%}
{%- if rules | length == 0 or rules | length > 5 -%}
    {%- do exceptions.raise_compiler_error('holds takes one to five rules: ' ~ model) -%}
{%- endif -%}
select
    rule,
    cast(sum(row_count) as bigint) as row_count,
    string_agg(case when position <= 3 then broken_by end, ', ' order by broken_by) as some_values
from (
    select broken.*, row_number() over (partition by rule order by broken_by) as position
    from (
{{ rules | join('\nunion all\n') }}
    ) as broken
) as ranked
group by rule
order by rule
{% endtest %}
