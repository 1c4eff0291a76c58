with quoted as (
    select
        rate.connection,
        source_currency.currency as from_currency,
        base_currency.currency as to_currency,
        cast(rate.exchange_rate as decimal(18, 9)) as rate,
        rate.effective_date as rate_date
    from {{ ref('stg_netsuite__currency_rate') }} as rate
    inner join {{ ref('stg_netsuite__currency') }} as base_currency
        on rate.connection = base_currency.connection and rate.base_currency_id = base_currency.currency_id
    inner join {{ ref('stg_netsuite__currency') }} as source_currency
        on rate.connection = source_currency.connection and rate.transaction_currency_id = source_currency.currency_id

    union all

    select connection, from_currency, to_currency, rate, rate_date from {{ ref('int_tryton__exchange_rate') }}
),

ranked as (
    select
        quoted.*,
        row_number() over (
            partition by from_currency, to_currency, rate_date order by connection
        ) as preference
    from quoted
    where from_currency <> to_currency
)

select
    from_currency || ':' || to_currency || ':' || cast(rate_date as {{ dbt.type_string() }}) as exchange_rate_id,
    from_currency,
    to_currency,
    rate_date,
    rate,
    connection
from ranked
where preference = 1
