{# Measures of receivables by month, once: for ar_measure_monthly and for whoever asks the published snapshot by customer.

   A period is a calendar month of the legal entity, the running one up to the as-of date. Amounts of one currency each;
   current is what is not past its due date, whatever the buckets of a legal entity. #}

{% macro month_of(day) %}cast({{ dbt.date_trunc('month', day) }} as date){% endmacro %}
{% macro month_end(day) %}cast({{ dbt.last_day(day, 'month') }} as date){% endmacro %}
{% macro month_after(day) %}cast({{ dbt.dateadd('month', 1, arsync.month_of(day)) }} as date){% endmacro %}

{# first month at whose end an item is past due; null while none is #}
{% macro month_past_due(due_date, as_of_date) -%}
case
    when {{ due_date }} >= {{ as_of_date }} then cast(null as date)
    when {{ due_date }} < {{ arsync.month_end(due_date) }} then {{ arsync.month_of(due_date) }}
    else {{ arsync.month_after(due_date) }}
end
{%- endmacro %}

{# Quotient with one decimal, half up; null without a divisor. Both are decimals of four digits at most. #}
{% macro tenths(numerator, divisor, factor=1) -%}
case
    when {{ divisor }} > 0 then cast(
        {{ arsync.divide_half_up(
            '(' ~ arsync.to_units(numerator, 4) ~ ' * 10 * ' ~ factor ~ ')', arsync.to_units(divisor, 4)
        ) }} as decimal(18, 0)
    ) * 0.1
end
{%- endmacro %}

{% macro movement_columns() -%}
{{ return([
    'movement_amount', 'invoice_movement_amount', 'current_movement_amount', 'invoiced_amount', 'sales_amount',
    'disputed_invoiced_amount', 'paid_weight', 'paid_weight_days',
]) }}
{%- endmacro %}

{# CTEs ending with `measured`: one row per group and month from the group's first month on.
   `movements` is a relation with `keys`, legal_entity_id, month and the movement columns; `entities` gives as_of_date. #}
{% macro measured_months(movements, entities, keys) -%}
{%- set grouped = keys | join(', ') -%}
moved as (
    select
        {{ grouped }},
        month
        {%- for column in arsync.movement_columns() %},
        sum({{ column }}) as {{ column }}
        {%- endfor %}
    from {{ movements }}
    group by {{ grouped }}, month
),

months as (
    select min(month) as month, (select max(as_of_date) from {{ entities }}) as last_day from moved
    union all
    select {{ arsync.month_after('month') }} as month, last_day from months where {{ arsync.month_after('month') }} <= last_day
),

groups as (
    select {{ grouped }}, min(month) as first_month from moved group by {{ grouped }}
),

periods as (
    select
        {% for key in keys %}groups.{{ key }}, {% endfor %}
        months.month,
        cast(least({{ arsync.month_end('months.month') }}, entity.as_of_date) as date) as period_end
        {%- for column in arsync.movement_columns() %},
        coalesce(moved.{{ column }}, 0) as {{ column }}
        {%- endfor %}
    from groups
    inner join {{ entities }} as entity on groups.legal_entity_id = entity.legal_entity_id
    inner join months on groups.first_month <= months.month and months.month <= entity.as_of_date
    left join moved
        on months.month = moved.month
        {%- for key in keys %}
        and groups.{{ key }} = moved.{{ key }}
        {%- endfor %}
),

closed as (
    select
        periods.*,
        cast({{ dbt.datediff('month', 'period_end', 'day') }} + 1 as integer) as days
        {%- for name, column in [
            ['closing_amount', 'movement_amount'], ['open_invoice_amount', 'invoice_movement_amount'],
            ['current_amount', 'current_movement_amount'], ['sales_to_date', 'sales_amount'],
        ] %},
        cast(sum({{ column }}) over (
            partition by {{ grouped }} order by month rows unbounded preceding
        ) as {{ arsync.type_total() }}) as {{ name }}
        {%- endfor %}
    from periods
),

-- count-back: the latest months whose sales come to what is open, the earliest of them in part
counted as (
    select
        {% for key in keys %}closed.{{ key }}, {% endfor %}
        closed.month,
        earlier.days,
        earlier.sales_amount,
        closed.closing_amount - (closed.sales_to_date - earlier.sales_to_date) as left_to_count
    from closed
    inner join closed as earlier
        on earlier.month <= closed.month
        and earlier.month > {{ dbt.dateadd('month', -24, 'closed.month') }}
        {%- for key in keys %}
        and closed.{{ key }} = earlier.{{ key }}
        {%- endfor %}
    where closed.closing_amount > 0
),

count_back as (
    select
        {{ grouped }},
        month,
        max(case when left_to_count <= sales_amount then 1 else 0 end) as is_covered,
        -- tenths of days
        sum(case
            when left_to_count <= 0 then 0
            when left_to_count >= sales_amount then days * 10
            else cast({{ arsync.divide_half_up(
                '(' ~ arsync.to_units('left_to_count', 4) ~ ' * days * 10)', arsync.to_units('sales_amount', 4)
            ) }} as integer)
        end) as days_tenths
    from counted
    group by {{ grouped }}, month
),

measured as (
    select
        closed.*,
        cast(closed.closing_amount - closed.movement_amount as {{ arsync.type_total() }}) as opening_amount,
        {{ arsync.tenths('closed.closing_amount', 'closed.sales_amount', 'closed.days') }} as dso,
        {{ arsync.tenths('closed.current_amount', 'closed.sales_amount', 'closed.days') }} as best_possible_dso,
        {{ arsync.tenths(
            'closed.closing_amount - closed.movement_amount + closed.sales_amount - closed.closing_amount',
            'closed.closing_amount - closed.movement_amount + closed.sales_amount - closed.current_amount', 100
        ) }} as collection_effectiveness_index,
        case when count_back.is_covered = 1 then cast(count_back.days_tenths as decimal(18, 0)) * 0.1 end as count_back_dso,
        {{ arsync.tenths('closed.open_invoice_amount - closed.current_amount', 'closed.open_invoice_amount', 100) }}
            as overdue_share,
        {{ arsync.tenths('closed.disputed_invoiced_amount', 'closed.invoiced_amount', 100) }} as dispute_rate,
        case
            when closed.paid_weight > 0
                then cast({{ arsync.divide_half_up('(closed.paid_weight_days * 10)', 'closed.paid_weight') }} as decimal(18, 0)) * 0.1
        end as average_days_to_pay
    from closed
    left join count_back
        on closed.month = count_back.month
        {%- for key in keys %}
        and closed.{{ key }} = count_back.{{ key }}
        {%- endfor %}
)
{%- endmacro %}

{# columns of `measured`, in the order of ar_measure_monthly #}
{% macro measure_columns() -%}
{%- set text = dbt.type_string() -%}
    month,
    period_end,
    days,
    {%- for amount in ['opening_amount', 'sales_amount', 'closing_amount', 'open_invoice_amount', 'current_amount'] %}
    cast({{ amount }} as {{ arsync.type_total() }}) as {{ amount }},
    {%- endfor %}
    cast(open_invoice_amount - current_amount as {{ arsync.type_total() }}) as overdue_amount,
    cast(closing_amount - open_invoice_amount as {{ arsync.type_total() }}) as unapplied_amount,
    cast(invoiced_amount as {{ arsync.type_total() }}) as invoiced_amount,
    cast(disputed_invoiced_amount as {{ arsync.type_total() }}) as disputed_invoiced_amount,
    {%- for measure in ['dso', 'best_possible_dso'] %}
    cast({{ measure }} as decimal(18, 1)) as {{ measure }},
    {%- endfor %}
    cast(dso - best_possible_dso as decimal(18, 1)) as average_days_delinquent,
    {%- for measure in ['count_back_dso', 'collection_effectiveness_index', 'average_days_to_pay', 'overdue_share', 'dispute_rate'] %}
    cast({{ measure }} as decimal(18, 1)) as {{ measure }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# SQL: customers of the ERP whose movements are new #}
{% macro find_moved_customers() -%}
{{ arsync.find_changed_keys(arsync.moved_inputs()) }}
union
select item.source_customer_id as changed_key
from {{ ref('fct_receivable_item') }} as item
where item.document_id in ({{ arsync.find_changed_keys(arsync.item_inputs()) }})
{%- endmacro %}

{% macro moved_inputs() -%}
{{ return([['fct_receivable_event', 'source_customer_id'], ['fct_invoice', 'source_customer_id']]) }}
{%- endmacro %}

{# pre-hook of ar_receivable_month #}
{% macro forget_moved(settings) -%}
{%- if is_incremental() -%}
{{ arsync.keep_keys('changed', arsync.find_moved_customers()) }}
delete from {{ this }}
{%- if arsync.rows_stand(settings) %}
where source_customer_id in ({{ arsync.changed_keys(arsync.moved_inputs()) }})
{%- endif -%}
{%- endif -%}
{%- endmacro %}
