-- months come from the measures: one for each that receivables have moved in or stood
with months as (
    select legal_entity_id, month, max(period_end) as period_end
    from {{ ref('ar_measure_monthly') }}
    group by legal_entity_id, month
),

documents as (
    select item.document_id, item.item_type, item.document_date, item.source_customer_id
    from {{ ref('fct_receivable_item') }} as item
    left join {{ ref('int_intercompany_customer') }} as intercompany
        on item.source_customer_id = intercompany.source_customer_id
    where not {{ is_debt('item.item_type', 'item.amount') }}
        and item.item_number = 1
        and intercompany.source_customer_id is null
),

moved as (
    select
        event.document_id,
        event.legal_entity_id,
        event.currency,
        {{ month_of('event.business_date') }} as month,
        sum(event.amount) as amount
    from {{ ref('fct_receivable_event') }} as event
    inner join documents on event.document_id = documents.document_id
    inner join {{ ref('dim_legal_entity') }} as entity
        on event.legal_entity_id = entity.legal_entity_id and event.business_date <= entity.as_of_date
    group by event.document_id, event.legal_entity_id, event.currency, {{ month_of('event.business_date') }}
    -- most are applied in the month that they came in
    having sum(event.amount) <> 0
),

-- what was left of a document from one movement to the next
left_over as (
    select
        moved.*,
        sum(amount) over (partition by document_id order by month rows unbounded preceding) as open_amount,
        lead(month) over (partition by document_id order by month) as next_month
    from moved
),

items as (
    select
        coalesce(customer.customer_id, documents.source_customer_id) as customer_id,
        left_over.legal_entity_id,
        left_over.currency,
        months.month,
        months.period_end,
        documents.item_type,
        documents.document_date,
        left_over.open_amount,
        {{ dbt.datediff('documents.document_date', 'months.period_end', 'day') }} as age
    from left_over
    inner join documents on left_over.document_id = documents.document_id
    inner join months
        on left_over.legal_entity_id = months.legal_entity_id
        and months.month >= left_over.month
        and (left_over.next_month is null or months.month < left_over.next_month)
    left join {{ ref('int_customer_record__clustered') }} as customer
        on documents.source_customer_id = customer.record_key
    where left_over.open_amount <> 0
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
