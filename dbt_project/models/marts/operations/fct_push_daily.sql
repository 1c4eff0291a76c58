{%- set inputs = [['stg_arsync__push_attempt', 'day']] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_changed(['day'], " ~ inputs ~ ") }}",
    post_hook=["{{ drop_seen() }}", "{{ write_seen(" ~ inputs ~ ") }}"]
) }}

with attempts as (
    select
        *,
        {{ dbt.datediff('planned_at', 'ended_at', 'second') }} as planned_to_accepted
    from {{ ref('stg_arsync__push_attempt') }}
    where kind = 'deliver'
        {% if is_incremental() %}and day in ({{ changed_keys(inputs) }}){% endif %}
),

-- what the ERPs themselves say of when an invoice changed last; extracts do not
changed as (
    select document_id, modified_at, _loaded_at from {{ ref('stg_netsuite__transaction') }}
    union all
    select connection || ':' || invoice_id as document_id, modified_at, _loaded_at from {{ ref('stg_tryton__invoice') }}
),

-- an invoice that was loaded again after the plan says nothing of the change that was delivered
changes as (
    select attempts.attempt_id, {{ dbt.datediff('changed.modified_at', 'attempts.ended_at', 'second') }} as changed_to_accepted
    from attempts
    inner join changed on attempts.business_key = changed.document_id
    where attempts.object = 'invoice' and attempts.outcome = 'acknowledged' and changed._loaded_at <= attempts.planned_at
)

select
    cast(attempts.day as {{ dbt.type_string() }}) || '|' || attempts.connection || '|' || attempts.object as push_daily_id,
    attempts.day,
    attempts.connection,
    attempts.object,
    count(*) as attempts,
    {%- for column, outcomes in [
        ['accepted', "'acknowledged'"], ['rejected', "'rejected'"], ['retried', "'retry', 'not_sent'"], ['unknown', "'unknown'"],
    ] %}
    count(case when attempts.outcome in ({{ outcomes }}) then 1 end) as {{ column }},
    {%- endfor %}
    cast(round(100.0 * count(case when attempts.outcome = 'acknowledged' then 1 end) / count(*), 1) as decimal(18, 1)) as success_rate,
    {%- for column, value in [
        ['planned_to_accepted', "case when attempts.outcome = 'acknowledged' then attempts.planned_to_accepted end"],
        ['changed_to_accepted', 'changes.changed_to_accepted'],
    ] %}
    {%- for name, part in [['p50', 0.5], ['p95', 0.95]] %}
    cast(percentile_cont({{ part }}) within group (order by {{ value }}) as decimal(18, 1)) as {{ column }}_{{ name }}_s
    {{- ',' if not (loop.last and column == 'changed_to_accepted') }}
    {%- endfor %}
    {%- endfor %}
from attempts
left join changes on attempts.attempt_id = changes.attempt_id
group by attempts.day, attempts.connection, attempts.object
