{# Uniqueness of a large table's key where it still moves: rows dated within `days` of the latest as-of date, or after. #}
{% test unique_among_recent(model, column_name, date_column, days) %}
select {{ column_name }}, count(*) as row_count
from {{ model }}
where {{ date_column }} > {{ dbt.dateadd('day', -days, '(select max(as_of_date) from ' ~ ref('dim_legal_entity') ~ ')') }}
group by {{ column_name }}
having count(*) > 1
{% endtest %}
