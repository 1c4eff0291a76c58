-- depends_on: {{ ref('fct_receivable_item') }}
{%- set amounts = [
    'current_amount', 'days_1_30_amount', 'days_31_60_amount', 'days_61_90_amount', 'days_91_plus_amount',
    'unapplied_amount', 'overdue_balance_amount', 'disputed_amount', 'unbilled_order_amount'
] -%}
{%- set past_due = 'days_1_30_amount + days_31_60_amount + days_61_90_amount + days_91_plus_amount' -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_rolled_up(rollup_settings()) }}",
    post_hook="{{ write_seen(customer_inputs(), rollup_settings()) }}"
) }}
{%- set only_moved = rows_stand(rollup_settings()) %}

with converted as (
    select
        summary.customer_id,
        summary.as_of_date,
        -- with the usual edges overdue is the sum of the buckets, also once each of them is rounded
        summary.overdue_balance_amount = summary.days_1_30_amount + summary.days_31_60_amount
        + summary.days_61_90_amount + summary.days_91_plus_amount as is_overdue_bucketed,
        summary.is_on_credit_hold,
        summary.oldest_due_date,
        cast(summary.paid_weight as {{ type_wide_integer() }}) * {{ to_units('from_rate.rate', 9) }} as paid_weight,
        cast(summary.paid_weight_days as {{ type_wide_integer() }}) * {{ to_units('from_rate.rate', 9) }} as paid_weight_days,
        {% for amount in amounts %}
        case
            when summary.currency = customer.currency then summary.{{ amount }}
            else {{ convert_money('summary.' ~ amount, 'from_rate.rate', 'to_rate.rate', 'iso.minor_unit') }}
        end as {{ amount }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('ar_customer_summary') }} as summary
    inner join {{ ref('dim_customer') }} as customer on summary.customer_id = customer.customer_id
    left join {{ ref('iso_currency') }} as iso on customer.currency = iso.currency
    left join {{ ref('int_reporting_rate') }} as from_rate on summary.currency = from_rate.currency
    left join {{ ref('int_reporting_rate') }} as to_rate on customer.currency = to_rate.currency
    {% if only_moved %}where summary.customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
),

totals as (
    select
        customer_id,
        max(as_of_date) as as_of_date,
        {% for amount in amounts if amount != 'overdue_balance_amount' %}
        sum({{ amount }}) as {{ amount }},
        {% endfor %}
        sum(case when is_overdue_bucketed then {{ past_due }} else overdue_balance_amount end) as overdue_balance_amount,
        max(case when is_on_credit_hold then 1 else 0 end) = 1 as is_on_credit_hold,
        min(oldest_due_date) as oldest_due_date,
        sum(paid_weight) as paid_weight,
        sum(paid_weight_days) as paid_weight_days
    from converted
    group by customer_id
),

balances as (
    select
        customer_id,
        current_amount + days_1_30_amount + days_31_60_amount + days_61_90_amount + days_91_plus_amount
        + unapplied_amount as open_balance_amount
    from totals
),

limits as (
    select
        record.customer_id,
        sum(
            case
                when erp.currency = customer.currency then erp.credit_limit
                else {{ convert_money('erp.credit_limit', 'from_rate.rate', 'to_rate.rate', 'iso.minor_unit') }}
            end
        ) as credit_limit_amount
    from {{ ref('int_erp_customer') }} as erp
    inner join {{ ref('int_customer_record__clustered') }} as record on erp.source_customer_id = record.record_key
    inner join {{ ref('dim_customer') }} as customer on record.customer_id = customer.customer_id
    left join {{ ref('iso_currency') }} as iso on customer.currency = iso.currency
    left join {{ ref('int_reporting_rate') }} as from_rate on erp.currency = from_rate.currency
    left join {{ ref('int_reporting_rate') }} as to_rate on customer.currency = to_rate.currency
    where not erp.is_deleted and erp.credit_limit is not null
        {% if only_moved %}and record.customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
    group by record.customer_id
),

term_names as (
    select distinct record.customer_id, erp.payment_terms
    from {{ ref('int_erp_customer') }} as erp
    inner join {{ ref('int_customer_record__clustered') }} as record on erp.source_customer_id = record.record_key
    where not erp.is_deleted and erp.payment_terms is not null
        {% if only_moved %}and record.customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
),

terms as (
    select customer_id, string_agg(payment_terms, '; ' order by payment_terms) as payment_terms
    from term_names
    group by customer_id
),

last_days as (
    select payment.customer_id, max(payment.payment_date) as payment_date
    from {{ ref('fct_payment') }} as payment
    inner join {{ ref('dim_legal_entity') }} as entity
        on payment.legal_entity_id = entity.legal_entity_id and payment.payment_date <= entity.as_of_date
    {% if only_moved %}where payment.customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
    group by payment.customer_id
),

payments as (
    select
        payment.*,
        row_number() over (
            partition by payment.customer_id
            order by length(payment.source_id) desc, payment.source_id desc, payment.payment_id
        ) as recency
    from {{ ref('fct_payment') }} as payment
    inner join last_days
        on payment.customer_id = last_days.customer_id and payment.payment_date = last_days.payment_date
    {% if only_moved %}where payment.customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
)

select
    customer.customer_id,
    customer.currency,
    coalesce(totals.as_of_date, policy.as_of_date) as as_of_date,
    customer.erp_customer_number,
    {% for amount in amounts %}
    cast(coalesce(totals.{{ amount }}, 0) as {{ type_total() }}) as {{ amount }},
    {% endfor %}
    cast(coalesce(balances.open_balance_amount, 0) as {{ type_total() }}) as open_balance_amount,
    cast(limits.credit_limit_amount as {{ type_total() }}) as credit_limit_amount,
    cast(
        limits.credit_limit_amount - coalesce(balances.open_balance_amount + totals.unbilled_order_amount, 0)
        as {{ type_total() }}
    ) as credit_available_amount,
    coalesce(
        limits.credit_limit_amount < coalesce(balances.open_balance_amount + totals.unbilled_order_amount, 0), false
    ) as is_over_limit,
    coalesce(totals.is_on_credit_hold, false) as is_on_credit_hold,
    terms.payment_terms,
    totals.oldest_due_date,
    case
        when totals.paid_weight > 0
            then cast({{ divide_half_up('(totals.paid_weight_days * 10)', 'totals.paid_weight') }} as decimal(18, 0)) * 0.1
    end as average_days_to_pay,
    last_payment.payment_date as last_payment_date,
    case
        when last_payment.currency = customer.currency then cast(last_payment.amount as {{ type_total() }})
        else cast(
            {{ convert_money('last_payment.amount', 'from_rate.rate', 'to_rate.rate', 'iso.minor_unit') }}
            as {{ type_total() }}
        )
    end as last_payment_amount
from {{ ref('dim_customer') }} as customer
cross join {{ ref('stg_arsync__policy') }} as policy
left join totals on customer.customer_id = totals.customer_id
left join balances on customer.customer_id = balances.customer_id
left join limits on customer.customer_id = limits.customer_id
left join terms on customer.customer_id = terms.customer_id
left join payments as last_payment
    on customer.customer_id = last_payment.customer_id and last_payment.recency = 1
left join {{ ref('iso_currency') }} as iso on customer.currency = iso.currency
left join {{ ref('int_reporting_rate') }} as from_rate on last_payment.currency = from_rate.currency
left join {{ ref('int_reporting_rate') }} as to_rate on customer.currency = to_rate.currency
where customer.erp_customer_count > 0
    {% if only_moved %}and customer.customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
