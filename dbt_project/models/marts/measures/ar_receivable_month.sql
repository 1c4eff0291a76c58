{%- set settings = [
    ['dim_legal_entity', ['legal_entity_id', 'as_of_date', 'is_elimination']],
    ['int_intercompany_customer', ['source_customer_id']],
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    meta={'added': ['movement_amount decimal(18,4)']},
    pre_hook="{{ forget_moved(" ~ settings ~ ") }}",
    post_hook="{{ write_seen(moved_inputs() + item_inputs(), " ~ settings ~ ") }}"
) }}
{%- set only_moved = rows_stand(settings) %}
{%- set chosen = 'where source_customer_id in (' ~ changed_keys(moved_inputs()) ~ ')' if only_moved else '' %}

with items as (
    select
        item.*,
        sum(item.amount) over (partition by item.document_id) as document_amount
    from (select * from {{ ref('fct_receivable_item') }} {{ chosen }}) as item
),

documents as (
    select document_id, item_type, item_count, due_date, {{ is_debt('item_type', 'amount') }} as is_debt
    from items
    where item_number = 1
),

events as (
    select
        event.event_key,
        event.document_id,
        event.source_customer_id,
        event.legal_entity_id,
        event.currency,
        event.business_date,
        event.amount,
        entity.as_of_date,
        documents.item_type,
        {{ month_of('event.business_date') }} as month,
        documents.is_debt,
        case when documents.is_debt then documents.item_count end as item_count,
        case
            when documents.is_debt and documents.item_count = 1
                then {{ month_past_due('documents.due_date', 'entity.as_of_date') }}
        end as month_past_due
    from (select * from {{ ref('fct_receivable_event') }} {{ chosen }}) as event
    inner join {{ ref('dim_legal_entity') }} as entity
        on event.legal_entity_id = entity.legal_entity_id and event.business_date <= entity.as_of_date
    left join documents on event.document_id = documents.document_id
),

-- instalments are settled oldest first: what of a document is current changes with its events and its due dates
parts as (
    select
        items.document_id, items.source_customer_id, items.legal_entity_id, items.currency, items.due_date, items.amount,
        items.document_amount, entity.as_of_date, {{ month_past_due('items.due_date', 'entity.as_of_date') }} as month_past_due
    from items
    inner join {{ ref('dim_legal_entity') }} as entity
        on items.legal_entity_id = entity.legal_entity_id and items.document_date <= entity.as_of_date
    where items.item_type = 'invoice' and items.item_count > 1
),

part_months as (
    select document_id, month from events where item_count > 1
    union
    select document_id, month_past_due as month from parts where month_past_due is not null
),

part_balances as (
    select part_months.document_id, part_months.month, coalesce(sum(events.amount), 0) as open_amount
    from part_months
    left join events on part_months.document_id = events.document_id and events.month <= part_months.month
    group by part_months.document_id, part_months.month
),

part_currents as (
    select
        parts.document_id,
        part_months.month,
        min(parts.source_customer_id) as source_customer_id,
        min(parts.legal_entity_id) as legal_entity_id,
        min(parts.currency) as currency,
        case
            when count(*) = count(case when parts.month_past_due <= part_months.month then 1 end) then 0
            when count(case when parts.month_past_due <= part_months.month then 1 end) = 0 then min(part_balances.open_amount)
            else min(part_balances.open_amount) - greatest(
                sum(case when parts.month_past_due <= part_months.month then parts.amount else 0 end)
                - (min(parts.document_amount) - min(part_balances.open_amount)),
                0
            )
        end as current_amount
    from parts
    inner join part_months on parts.document_id = part_months.document_id
    inner join part_balances
        on part_months.document_id = part_balances.document_id and part_months.month = part_balances.month
    group by parts.document_id, part_months.month
),

invoices as (
    select invoice.*, iso.minor_unit
    from (select * from {{ ref('fct_invoice') }} {{ chosen }}) as invoice
    inner join {{ ref('iso_currency') }} as iso on invoice.currency = iso.currency
),

movements as (
    select
        source_customer_id, legal_entity_id, currency, month,
        amount as movement_amount,
        case when is_debt then amount else 0 end as invoice_movement_amount,
        case when item_count = 1 and (month_past_due is null or month < month_past_due) then amount else 0 end
            as current_movement_amount,
        0 as invoiced_amount, 0 as sales_amount, 0 as disputed_invoiced_amount, 0 as paid_weight, 0 as paid_weight_days
    from events

    union all

    select
        source_customer_id, legal_entity_id, currency, month_past_due as month, 0, 0, -amount, 0, 0, 0, 0, 0
    from events
    where item_count = 1 and month < month_past_due

    union all

    select
        source_customer_id, legal_entity_id, currency, month, 0, 0,
        current_amount - lag(current_amount, 1, 0) over (partition by document_id order by month),
        0, 0, 0, 0, 0
    from part_currents

    union all

    select
        source_customer_id, legal_entity_id, currency, {{ month_of('invoice_date') }} as month, 0, 0, 0,
        case when status = 'void' then 0 else total_amount end,
        total_amount,
        case when status = 'void' then 0 else greatest(least(coalesce(disputed_amount, 0), total_amount), 0) end,
        0, 0
    from invoices

    union all

    select
        source_customer_id, legal_entity_id, currency, {{ month_of('void_date') }} as month, 0, 0, 0, 0, -total_amount, 0, 0, 0
    from invoices
    where void_date is not null

    union all

    select source_customer_id, legal_entity_id, currency, month, 0, 0, 0, 0, amount, 0, 0, 0
    from events
    where item_type = 'credit_memo' and (event_key like 'posted:%' or event_key like 'voided:%')

    union all

    select
        source_customer_id, legal_entity_id, currency, {{ month_of('last_application_date') }} as month, 0, 0, 0, 0, 0, 0,
        {{ to_units('total_amount', 4) }},
        {{ to_units('total_amount', 4) }} * {{ dbt.datediff('invoice_date', 'last_application_date', 'day') }}
    from invoices
    where status = 'paid' and written_off_amount = 0 and last_application_date is not null
)

-- eighteen digits, for one customer's month: wider decimals are read some fifty times slower, and all months are summed
select
    movements.source_customer_id,
    movements.legal_entity_id,
    movements.currency,
    movements.month
    {%- for column in movement_columns() %},
    cast(sum({{ column }}) as {{ 'decimal(38, 0)' if column.startswith('paid') else type_money() }}) as {{ column }}
    {%- endfor %}
from movements
inner join {{ ref('dim_legal_entity') }} as entity
    on movements.legal_entity_id = entity.legal_entity_id
    and movements.month <= entity.as_of_date
    and not entity.is_elimination
left join {{ ref('int_intercompany_customer') }} as intercompany
    on movements.source_customer_id = intercompany.source_customer_id
where intercompany.source_customer_id is null
group by movements.source_customer_id, movements.legal_entity_id, movements.currency, movements.month
