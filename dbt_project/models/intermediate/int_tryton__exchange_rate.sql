-- a rate says how much of a currency the unit of reference buys: what it is worth in another is the quotient of two
with rates as (
    select rate.connection, rate.currency_id, currency.currency, rate.effective_date, rate.rate
    from {{ ref('stg_tryton__currency_rate') }} as rate
    inner join {{ ref('stg_tryton__currency') }} as currency
        on rate.connection = currency.connection and rate.currency_id = currency.currency_id
    where rate.rate > 0
),

targets as (
    select company.connection, currency.currency
    from {{ ref('stg_tryton__company') }} as company
    inner join {{ ref('stg_tryton__currency') }} as currency
        on company.connection = currency.connection and company.currency_id = currency.currency_id

    union

    select currency.connection, currency.currency
    from {{ ref('stg_tryton__currency') }} as currency
    inner join {{ ref('stg_arsync__policy') }} as policy on currency.currency = policy.reporting_currency
),

-- every day on which either of the two changes
days as (
    select rates.connection, rates.currency as from_currency, targets.currency as to_currency, rates.effective_date
    from rates
    inner join targets on rates.connection = targets.connection and rates.currency <> targets.currency

    union

    select target_rate.connection, rates.currency, target_rate.currency, target_rate.effective_date
    from rates as target_rate
    inner join targets
        on target_rate.connection = targets.connection and target_rate.currency = targets.currency
    inner join (select distinct connection, currency from rates) as rates
        on target_rate.connection = rates.connection and target_rate.currency <> rates.currency
),

spans as (
    select
        rates.*,
        lead(effective_date) over (partition by connection, currency order by effective_date) as next_date
    from rates
)

select
    days.connection,
    days.from_currency,
    days.to_currency,
    cast(
        cast({{ divide_half_up(
            '(' ~ to_units('to_span.rate', 9) ~ ' * 1000000000)', to_units('from_span.rate', 9)
        ) }} as decimal(18, 0)) * 0.000000001 as decimal(18, 9)
    ) as rate,
    days.effective_date as rate_date
from days
inner join spans as from_span
    on days.connection = from_span.connection
    and days.from_currency = from_span.currency
    and days.effective_date >= from_span.effective_date
    and (from_span.next_date is null or days.effective_date < from_span.next_date)
inner join spans as to_span
    on days.connection = to_span.connection
    and days.to_currency = to_span.currency
    and days.effective_date >= to_span.effective_date
    and (to_span.next_date is null or days.effective_date < to_span.next_date)
