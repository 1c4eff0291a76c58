-- a term that names days of the month or of the week has no number of days; of instalments the last one counts
with tryton_days as (
    select
        line.connection,
        line.term_id,
        line.term_line_id,
        sum(coalesce(delta.days, 0) + 7 * coalesce(delta.weeks, 0)) as net_days,
        max(case when delta.months <> 0 or delta.is_calendar then 1 else 0 end) as is_calendar
    from {{ ref('stg_tryton__payment_term_line') }} as line
    left join {{ ref('stg_tryton__payment_term_delta') }} as delta
        on line.connection = delta.connection and line.term_line_id = delta.term_line_id
    group by line.connection, line.term_id, line.term_line_id
),

tryton_terms as (
    select
        connection,
        term_id,
        case when max(is_calendar) = 0 then max(net_days) end as net_days
    from tryton_days
    group by connection, term_id
)

select
    payment_terms_id,
    connection,
    name,
    net_days,
    discount_percent,
    discount_days,
    is_inactive
from {{ ref('stg_netsuite__term') }}

union all

select
    term.payment_terms_id,
    term.connection,
    term.name,
    cast(tryton_terms.net_days as integer) as net_days,
    cast(null as decimal(18, 5)) as discount_percent,
    cast(null as integer) as discount_days,
    term.is_inactive
from {{ ref('stg_tryton__payment_term') }} as term
left join tryton_terms on term.connection = tryton_terms.connection and term.term_id = tryton_terms.term_id
