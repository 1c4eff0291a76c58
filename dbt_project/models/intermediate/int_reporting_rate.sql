with policy as (
    select reporting_currency, as_of_date from {{ ref('stg_arsync__policy') }}
),

ranked as (
    select
        rates.from_currency as currency,
        rates.rate,
        rates.rate_date,
        row_number() over (partition by rates.from_currency order by rates.rate_date desc) as recency
    from {{ ref('fct_exchange_rate') }} as rates
    inner join policy
        on rates.to_currency = policy.reporting_currency and rates.rate_date <= policy.as_of_date
)

select currency, rate, rate_date
from ranked
where recency = 1 and currency <> (select reporting_currency from policy)

union all

select reporting_currency as currency, cast(1 as decimal(18, 9)) as rate, as_of_date as rate_date
from policy
