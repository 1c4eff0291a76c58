{{ config(materialized='view') }}

{# a snapshot holds the rows in this order, so that those of a customer lie together -#}
with numbered as ({{ document_numbers() }})

select
    numbered.document_no,
    item.item_id,
    item.document_id,
    item.item_type,
    item.item_number,
    item.item_count,
    item.source_customer_id,
    item.legal_entity_id,
    item.currency,
    item.document_date,
    item.due_date,
    item.amount,
    item.document_amount,
    item.amount_before,
    item.known_at,
    item.known_until
from {{ ref('fct_receivable_item_history') }} as item
inner join numbered on item.document_id = numbered.document_id
order by numbered.document_no, item.item_number, item.known_at
