with overdue as (
    select customer_id, currency, sum(overdue_balance_amount) as overdue_amount
    from {{ ref('ar_customer_summary') }}
    group by customer_id, currency
),

-- a later promise about the same takes the place of an earlier one
promises as (
    select
        promise.customer_id,
        promise.status,
        promise.promised_date,
        case
            when promise.status = 'broken' then coalesce(invoice.open_amount > 0, overdue.overdue_amount > 0, false)
            else coalesce(invoice.open_amount > 0, true)
        end as is_owed,
        row_number() over (
            partition by promise.customer_id, promise.currency, promise.invoice_id
            order by promise.made_date desc, promise.promised_date desc, promise.promise_id desc
        ) as recency
    from {{ ref('fct_promise_to_pay') }} as promise
    left join {{ ref('fct_invoice') }} as invoice on promise.invoice_id = invoice.invoice_id
    left join overdue on promise.customer_id = overdue.customer_id and promise.currency = overdue.currency
    where promise.status <> 'cancelled' and promise.customer_id is not null
),

standing as (
    select
        customer_id,
        case status when 'open' then 1 else 0 end as open_promises,
        case status when 'broken' then 1 else 0 end as broken_promises,
        case when status = 'open' then promised_date end as promise_date,
        0 as running,
        0 as disputed,
        0 as blocked,
        cast(null as integer) as dunning_level
    from promises
    where recency = 1 and is_owed and status in ('open', 'broken')

    union all

    select
        customer_id,
        0 as open_promises,
        0 as broken_promises,
        cast(null as date) as promise_date,
        case when paused_by is null then 1 else 0 end as running,
        case when paused_by = 'dispute' then 1 else 0 end as disputed,
        case when paused_by = 'blocked' then 1 else 0 end as blocked,
        dunning_level
    from {{ ref('fct_dunning') }}
    where customer_id is not null and open_amount > 0
)

select
    customer_id,
    case
        when sum(broken_promises) > 0 then 'broken_promise'
        when sum(running) > 0 then 'dunning'
        when sum(open_promises) > 0 then 'promise_to_pay'
        when sum(disputed) > 0 then 'dispute'
        when sum(blocked) > 0 then 'dunning_block'
    end as collections_status,
    min(promise_date) as promise_date,
    max(dunning_level) as dunning_level,
    cast(sum(open_promises) as integer) as open_promises,
    cast(sum(broken_promises) as integer) as broken_promises,
    cast(sum(running) as integer) as running_dunnings
from standing
group by customer_id
