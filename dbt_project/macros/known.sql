{# Known time: when the warehouse could first say something, beside the business date that it is about.

   What an earlier run could be asked stays as it answered. So a row that a run adds is known no earlier than the run
   before it began: at its load, when that came after it, else (an old load that only now makes a difference, a record
   that is gone) when this run began. When a model last ran is kept beside it, as the input `run` of <model>__seen. #}

{# before the first and after the last time that anybody can ask for: history rows without a beginning or an end #}
{% macro ever() %}cast('0001-01-01 00:00:00' as timestamp){% endmacro %}
{% macro never() %}cast('9999-12-31 00:00:00' as timestamp){% endmacro %}

{# post-hook, after write_seen: remember when this run began #}
{% macro write_run() -%}
insert into {{ arsync.seen_relation() }} values ('run', {{ arsync.run_microseconds() }})
{%- endmacro %}

{# post-hook of models that compare all they hold #}
{% macro write_run_only() -%}
drop table if exists {{ arsync.seen_relation() }};
create table {{ arsync.seen_relation() }} as
select 'run' as input, cast({{ arsync.run_microseconds() }} as bigint) as seen_seq
{%- endmacro %}

{% macro run_microseconds() %}{{ (run_started_at.timestamp() * 1000000) | int }}{% endmacro %}

{# what makes the open items of a document new #}
{% macro item_inputs() -%}
{{ return([
    ['int_netsuite__document', 'document_id'],
    ['stg_netsuite__transaction_installment', 'document_id'],
    ['int_files__document', 'document_id'],
    ['int_tryton__document', 'document_id'],
]) }}
{%- endmacro %}

{# when the run before this one began; `otherwise` where none is remembered #}
{% macro last_run(otherwise) -%}
{%- set seen = arsync.seen_seq('run') -%}
{%- if seen >= 0 %}{{ arsync.from_microseconds(seen) }}{% else %}{{ otherwise }}{% endif -%}
{%- endmacro %}

{% macro from_microseconds(number) %}{{ return(adapter.dispatch('from_microseconds', 'arsync')(number)) }}{% endmacro %}
{% macro default__from_microseconds(number) %}(cast('1970-01-01 00:00:00' as timestamp) + {{ number }} * interval '1 microsecond'){% endmacro %}
{% macro duckdb__from_microseconds(number) %}make_timestamp({{ number }}){% endmacro %}

{% macro this_run() -%}
greatest(
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp),
    runs.last_run + interval '1 microsecond'
)
{%- endmacro %}

{# time at which a row of this run is known, given that of its load; needs `runs (last_run)` in the from clause #}
{% macro learned_at(loaded_at) -%}
case when {{ loaded_at }} > runs.last_run then {{ loaded_at }} else {{ arsync.this_run() }} end
{%- endmacro %}

{# Versions of the rows of a table that keeps only the current ones, each with the time [known_at, known_until) in which
   it was what we knew.

   `current_rows` and `open_rows` name CTEs: the current rows looked at, with `loaded_at` (null: only a run can tell), and
   the versions of the same keys still open in this model. `first_known` is since when a key counts that is new. #}
{% macro versions_of(key, columns, current_rows, open_rows, first_known) -%}
{%- set text = dbt.type_string() -%}
{%- if not is_incremental() %}
select
    {{ key }} || '@0' as {{ key | replace('_id', '') }}_version_id,
    {{ key }},
    {% for column in columns %}{{ column }}, {% endfor %}
    {{ arsync.ever() }} as known_at,
    {{ arsync.never() }} as known_until
from {{ current_rows }}
{%- else %}
select
    {{ key }} || '@' || replace(cast(known_at as {{ text }}), ' ', 'T') as {{ key | replace('_id', '') }}_version_id,
    {{ key }},
    {% for column in columns %}{{ column }}, {% endfor %}
    known_at,
    {{ arsync.never() }} as known_until
from (
    select
        now.*,
        case when was.{{ key }} is null then {{ first_known }} else {{ arsync.learned_at('now.loaded_at') }} end as known_at
    from {{ current_rows }} as now
    left join {{ open_rows }} as was on now.{{ key }} = was.{{ key }}
    cross join runs
    where was.{{ key }} is null
    {%- for column in columns %} or now.{{ column }} is distinct from was.{{ column }}{% endfor %}
) as added

union all

select
    was.{{ key | replace('_id', '') }}_version_id,
    was.{{ key }},
    {% for column in columns %}was.{{ column }}, {% endfor %}
    was.known_at,
    {{ arsync.learned_at('now.loaded_at') }} as known_until
from {{ open_rows }} as was
left join {{ current_rows }} as now on was.{{ key }} = now.{{ key }}
cross join runs
where now.{{ key }} is null
{%- for column in columns %} or now.{{ column }} is distinct from was.{{ column }}{% endfor %}
{%- endif %}
{%- endmacro %}
