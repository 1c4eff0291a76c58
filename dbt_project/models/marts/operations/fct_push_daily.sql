{%- set inputs = [['stg_arsync__push_attempt', 'day']] -%}
{%- set balance_key -%}
summary.legal_entity_id || ':' || coalesce(summary.erp_customer_number, summary.customer_id) || ':' || summary.currency
{%- endset -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_changed(['day'], " ~ inputs ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ") }}"
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

-- accounts and their balances, with when what they showed before was planned
deliveries as (
    select *
    from (
        select
            attempt_id, object, business_key, planned_at, ended_at, day,
            lag(planned_at) over (partition by connection, object, business_key order by planned_at, attempt_id) as shown_at
        from {{ ref('stg_arsync__push_attempt') }}
        where kind = 'deliver'
            and outcome = 'acknowledged'
            and object in ('account', 'account_balance')
            {% if is_incremental() %}and business_key in (select business_key from attempts){% endif %}
    ) as accepted
    {% if is_incremental() %}where day in ({{ changed_keys(inputs) }}){% endif %}
),

-- whose documents they show: a customer's, or of them those of one legal entity and currency
shown as (
    select
        'account' as object,
        account.account_id as business_key,
        record.record_key as source_customer_id,
        cast(null as {{ dbt.type_string() }}) as legal_entity_id,
        cast(null as {{ dbt.type_string() }}) as currency
    from {{ ref('int_customer__primary_account') }} as account
    inner join {{ ref('int_customer_record__clustered') }} as record on account.customer_id = record.customer_id
    where account.account_id in (select business_key from deliveries)

    union all

    select
        'account_balance' as object,
        {{ balance_key }} as business_key,
        record.record_key as source_customer_id,
        summary.legal_entity_id,
        summary.currency
    from {{ ref('ar_customer_summary') }} as summary
    inner join {{ ref('int_customer_record__clustered') }} as record on summary.customer_id = record.customer_id
    where {{ balance_key }} in (select business_key from deliveries)
),

-- a customer's own record counts for all that shows it: limit, hold, terms
changed_of_customer as (
    select document.source_customer_id, document.legal_entity_id, document.currency, changed.modified_at, changed._loaded_at
    from {{ ref('int_receivable_document') }} as document
    inner join changed on document.document_id = changed.document_id
    where document.source_customer_id in (select source_customer_id from shown)

    union all

    select
        source_customer_id,
        cast(null as {{ dbt.type_string() }}) as legal_entity_id,
        cast(null as {{ dbt.type_string() }}) as currency,
        modified_at,
        _loaded_at
    from {{ ref('stg_netsuite__customer') }}
    where source_customer_id in (select source_customer_id from shown)
),

changes as (
    -- an invoice that was loaded again after the plan says nothing of the change that was delivered
    select attempts.attempt_id, {{ dbt.datediff('changed.modified_at', 'attempts.ended_at', 'second') }} as changed_to_accepted
    from attempts
    inner join changed on attempts.business_key = changed.document_id
    where attempts.object = 'invoice' and attempts.outcome = 'acknowledged' and changed._loaded_at <= attempts.planned_at

    union all

    -- the last change that was not shown before; without any, time alone moved the figures
    select
        deliveries.attempt_id,
        {{ dbt.datediff('max(changed.modified_at)', 'min(deliveries.ended_at)', 'second') }} as changed_to_accepted
    from deliveries
    inner join shown on deliveries.object = shown.object and deliveries.business_key = shown.business_key
    inner join changed_of_customer as changed
        on shown.source_customer_id = changed.source_customer_id
        and coalesce(changed.legal_entity_id, shown.legal_entity_id, '') = coalesce(shown.legal_entity_id, changed.legal_entity_id, '')
        and coalesce(changed.currency, shown.currency, '') = coalesce(shown.currency, changed.currency, '')
        and changed._loaded_at <= deliveries.planned_at
        and (deliveries.shown_at is null or changed._loaded_at > deliveries.shown_at)
    group by deliveries.attempt_id
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
