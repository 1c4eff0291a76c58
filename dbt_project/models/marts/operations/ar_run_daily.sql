-- a read is one of all streams of a connection that were due together: it succeeded when each was read to its end
with streams as (
    select
        run_id,
        connection,
        stream,
        min(case when state = 'begun' then logged_at end) as begun_at,
        max(case when state <> 'begun' then logged_at end) as ended_at,
        max(case when state <> 'begun' then state end) as outcome
    from {{ ref('stg_arsync__sync') }}
    group by run_id, connection, stream
),

steps as (
    select
        step,
        min(case when state = 'begun' then logged_at end) as begun_at,
        max(case when state <> 'begun' then logged_at end) as ended_at,
        max(case when state <> 'begun' then state end) as outcome
    from {{ ref('stg_arsync__step') }}
    group by step, step_id
),

runs as (
    select
        'read' as step,
        min(begun_at) as begun_at,
        case when count(*) = count(outcome) then max(ended_at) end as ended_at,
        case
            when count(*) > count(outcome) then null
            when count(case when outcome = 'failed' then 1 end) > 0 then 'failed'
            else 'succeeded'
        end as outcome
    from streams
    group by run_id, connection

    union all

    -- but the build that tells this
    select step, begun_at, ended_at, outcome
    from steps
    where step <> 'build'
        or outcome is not null
        or begun_at < (select max(begun_at) from steps where step = 'build')
),

timed as (
    select
        runs.*,
        cast(begun_at as date) as day,
        {{ dbt.datediff('begun_at', 'ended_at', 'second') }} as seconds
    from runs
)

select
    cast(day as {{ dbt.type_string() }}) || '|' || step as run_daily_id,
    day,
    step,
    count(*) as runs,
    {%- for column, condition in [
        ['succeeded', "outcome = 'succeeded'"], ['refused', "outcome = 'refused'"], ['failed', "outcome = 'failed'"],
        ['unfinished', 'outcome is null'],
    ] %}
    count(case when {{ condition }} then 1 end) as {{ column }},
    {%- endfor %}
    cast(round(100.0 * count(case when outcome = 'succeeded' then 1 end) / count(*), 1) as decimal(18, 1)) as success_rate,
    max(case when outcome = 'succeeded' then ended_at end) as last_succeeded_at,
    {%- for name, part in [['p50', 0.5], ['p95', 0.95]] %}
    cast(percentile_cont({{ part }}) within group (order by seconds) as decimal(18, 1)) as duration_{{ name }}_s{{ ',' if not loop.last }}
    {%- endfor %}
from timed
group by day, step
