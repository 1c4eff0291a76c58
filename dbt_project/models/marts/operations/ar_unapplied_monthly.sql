-- months come from the measures: one for each that receivables have moved in or stood
with months as (
    select legal_entity_id, month, max(period_end) as period_end
    from {{ ref('ar_measure_monthly') }}
    group by legal_entity_id, month
),

items as (
    select
        coalesce(customer.customer_id, balance.source_customer_id) as customer_id,
        balance.legal_entity_id,
        balance.currency,
        months.month,
        months.period_end,
        balance.item_type,
        balance.document_date,
        balance.open_amount,
        {{ dbt.datediff('balance.document_date', 'months.period_end', 'day') }} as age
    from {{ ref('int_unapplied_balance') }} as balance
    inner join months
        on balance.legal_entity_id = months.legal_entity_id
        and months.month >= balance.month
        and (balance.next_month is null or months.month < balance.next_month)
    left join {{ ref('int_intercompany_customer') }} as intercompany
        on balance.source_customer_id = intercompany.source_customer_id
    left join {{ ref('int_customer_record__clustered') }} as customer
        on balance.source_customer_id = customer.record_key
    where intercompany.source_customer_id is null
)

select
    customer_id || '|' || legal_entity_id || '|' || currency || '|' || cast(month as {{ dbt.type_string() }})
        as unapplied_monthly_id,
    customer_id,
    legal_entity_id,
    currency,
    month,
    max(period_end) as period_end,
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
    min(document_date) as oldest_date
from items
group by customer_id, legal_entity_id, currency, month
