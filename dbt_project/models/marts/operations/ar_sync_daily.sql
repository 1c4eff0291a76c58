with runs as (
    select
        run_id,
        connection,
        stream,
        min(case when state = 'begun' then logged_at end) as begun_at,
        max(case when state <> 'begun' then logged_at end) as ended_at,
        max(case when state <> 'begun' then state end) as outcome,
        sum(rows_read) as rows_read,
        sum(rows_new) as rows_new
    from {{ ref('stg_arsync__sync') }}
    group by run_id, connection, stream
),

timed as (
    select
        runs.*,
        cast(begun_at as date) as day,
        {{ dbt.datediff('begun_at', 'ended_at', 'second') }} as seconds
    from runs
)

select
    cast(day as {{ dbt.type_string() }}) || '|' || connection || '|' || stream as sync_daily_id,
    day,
    connection,
    stream,
    count(*) as runs,
    {%- for column, condition in [
        ['succeeded', "outcome = 'read'"], ['failed', "outcome = 'failed'"], ['unfinished', 'outcome is null'],
    ] %}
    count(case when {{ condition }} then 1 end) as {{ column }},
    {%- endfor %}
    cast(round(100.0 * count(case when outcome = 'read' then 1 end) / count(*), 1) as decimal(18, 1)) as success_rate,
    cast(sum(rows_read) as bigint) as rows_read,
    cast(sum(rows_new) as bigint) as rows_new,
    max(case when outcome = 'read' then ended_at end) as last_succeeded_at,
    {%- for name, part in [['p50', 0.5], ['p95', 0.95]] %}
    cast(percentile_cont({{ part }}) within group (order by seconds) as decimal(18, 1)) as duration_{{ name }}_s{{ ',' if not loop.last }}
    {%- endfor %}
from timed
group by day, connection, stream
