with promises as (
    select *, {{ month_of('promised_date') }} as month from {{ ref('fct_promise_to_pay') }} where status <> 'cancelled'
)

select
    customer_id || '|' || coalesce(legal_entity_id, '') || '|' || currency || '|'
    || cast(month as {{ dbt.type_string() }}) as promise_monthly_id,
    customer_id,
    legal_entity_id,
    currency,
    month,
    count(*) as promises,
    count(case when status = 'kept' then 1 end) as kept,
    count(case when status = 'broken' then 1 end) as broken,
    cast(sum(promised_amount) as {{ type_total() }}) as promised_amount,
    cast(sum(case when status = 'kept' then promised_amount else 0 end) as {{ type_total() }}) as kept_amount,
    cast({{ tenths(
        "sum(case when status = 'kept' then promised_amount else 0 end)",
        "sum(case when status in ('kept', 'broken') then promised_amount else 0 end)", 100
    ) }} as decimal(18, 1)) as kept_rate
from promises
group by customer_id, legal_entity_id, currency, month
