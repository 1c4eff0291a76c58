{# What the test `holds` is made of. #}

{# Values of a column that break a rule, and in how many rows each; `rows` is a table with its condition. #}
{% macro broken_rule(rule, column, rows, having='') -%}
select '{{ rule }}' as rule, cast({{ column }} as {{ dbt.type_string() }}) as broken_by, count(*) as row_count
from {{ rows }} group by {{ column }}{{ ' having ' ~ having if having }}
{%- endmacro %}
