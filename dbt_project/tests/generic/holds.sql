{# Rules of a table in one test, a query and a check for each costing more than their rows: every broken rule with the
   value that breaks it and how many rows do.

   unique, not_null: columns; a unique one may be null unless named in both.
   unique_recent: column -> {date_column, days}: uniqueness of a large table's key where it still moves, rows dated
       within `days` of the latest as-of date, or after.
   accepted: column -> values. known: column -> {to, field}, where every value must be found. #}
{% test holds(model, unique=[], not_null=[], unique_recent={}, accepted={}, known={}) %}
{%- set text = dbt.type_string() -%}
{%- set rules = [] -%}
{%- for column in not_null -%}
    {%- do rules.append("select '" ~ column ~ " is null' as rule, cast(null as " ~ text ~ ") as value, count(*) as row_count
from " ~ model ~ " where " ~ column ~ " is null having count(*) > 0") -%}
{%- endfor -%}
{%- for column in unique -%}
    {%- do rules.append("select '" ~ column ~ " is not unique' as rule, cast(" ~ column ~ " as " ~ text ~ ") as value, count(*) as row_count
from " ~ model ~ " where " ~ column ~ " is not null group by " ~ column ~ " having count(*) > 1") -%}
{%- endfor -%}
{%- for column, recent in unique_recent.items() -%}
    {%- set since = dbt.dateadd('day', -recent.days, '(select max(as_of_date) from ' ~ ref('dim_legal_entity') ~ ')') -%}
    {%- do rules.append("select '" ~ column ~ " is not unique' as rule, cast(" ~ column ~ " as " ~ text ~ ") as value, count(*) as row_count
from " ~ model ~ " where " ~ recent.date_column ~ " > " ~ since ~ " group by " ~ column ~ " having count(*) > 1") -%}
{%- endfor -%}
{%- for column, values in accepted.items() -%}
    {%- do rules.append("select '" ~ column ~ " is not accepted' as rule, cast(" ~ column ~ " as " ~ text ~ ") as value, count(*) as row_count
from " ~ model ~ " where " ~ column ~ " not in ('" ~ values | join("', '") ~ "') group by " ~ column) -%}
{%- endfor -%}
{%- for column, place in known.items() -%}
    {%- do rules.append("select '" ~ column ~ " is unknown' as rule, cast(own." ~ column ~ " as " ~ text ~ ") as value, count(*) as row_count
from " ~ model ~ " as own left join " ~ place.to ~ " as other on own." ~ column ~ " = other." ~ place.field ~ "
where own." ~ column ~ " is not null and other." ~ place.field ~ " is null group by own." ~ column) -%}
{%- endfor -%}
{{ rules | join('\nunion all\n') }}
{% endtest %}
