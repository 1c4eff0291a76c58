with items as (
    select
        aging.*,
        {{ dbt.datediff('document_date', 'as_of_date', 'day') }} as age
    from {{ ref('fct_ar_aging') }} as aging
    where bucket_number = 0
)

select
    customer_id || '|' || legal_entity_id || '|' || currency as unapplied_aging_id,
    customer_id,
    legal_entity_id,
    currency,
    min(as_of_date) as as_of_date,
    count(*) as items,
    {%- for column, condition in [
        ['days_0_30_amount', 'age <= 30'],
        ['days_31_60_amount', 'age between 31 and 60'],
        ['days_61_90_amount', 'age between 61 and 90'],
        ['days_91_plus_amount', 'age >= 91'],
        ['unapplied_amount', 'true'],
        ['payment_amount', "item_type = 'payment'"],
    ] %}
    cast(sum(case when {{ condition }} then open_amount else 0 end) as {{ type_total() }}) as {{ column }},
    {%- endfor %}
    min(document_date) as oldest_date,
    case
        when sum(open_amount) < 0 then cast({{ divide_half_up(
            '(sum(-' ~ to_units('open_amount', 4) ~ ' * age) * 10)', 'sum(-' ~ to_units('open_amount', 4) ~ ')'
        ) }} as decimal(18, 0)) * 0.1
    end as average_age_days
from items
group by customer_id, legal_entity_id, currency
