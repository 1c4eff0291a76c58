{%- set inputs = [['fct_receivable_event', 'document_id']] + item_inputs() -%}
{%- set settings = [['dim_legal_entity', ['legal_entity_id', 'as_of_date']]] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_changed(['document_id'], " ~ inputs ~ ", " ~ settings ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ", " ~ settings ~ ") }}"
) }}
{%- set chosen -%}
{% if rows_stand(settings) %}and document_id in ({{ changed_keys(inputs) }}){% endif %}
{%- endset %}

with documents as (
    select document_id, item_type, document_date, source_customer_id
    from {{ ref('fct_receivable_item') }}
    where item_number = 1 and not {{ is_debt('item_type', 'amount') }} {{ chosen }}
),

moved as (
    select
        event.document_id,
        event.legal_entity_id,
        event.currency,
        {{ month_of('event.business_date') }} as month,
        sum(event.amount) as amount
    from (select * from {{ ref('fct_receivable_event') }} where amount <> 0 {{ chosen }}) as event
    inner join documents on event.document_id = documents.document_id
    inner join {{ ref('dim_legal_entity') }} as entity
        on event.legal_entity_id = entity.legal_entity_id and event.business_date <= entity.as_of_date
    group by event.document_id, event.legal_entity_id, event.currency, {{ month_of('event.business_date') }}
    -- most are applied in the month that they came in
    having sum(event.amount) <> 0
),

left_over as (
    select
        moved.*,
        sum(amount) over (partition by document_id order by month rows unbounded preceding) as open_amount,
        lead(month) over (partition by document_id order by month) as next_month
    from moved
)

select
    left_over.document_id,
    documents.item_type,
    documents.document_date,
    documents.source_customer_id,
    left_over.legal_entity_id,
    left_over.currency,
    left_over.month,
    left_over.next_month,
    left_over.open_amount
from left_over
inner join documents on left_over.document_id = documents.document_id
where left_over.open_amount <> 0
