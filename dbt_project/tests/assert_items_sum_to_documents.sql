{{ config(meta={'dagster': {'ref': {'name': 'fct_receivable_item'}}}) }}
-- instalments of an invoice add up to its total
select item.document_id, sum(item.amount) as items, max(document.amount) as posted
from {{ ref('fct_receivable_item') }} as item
inner join {{ ref('int_receivable_document') }} as document on item.document_id = document.document_id
where item.item_count > 1
group by item.document_id
having sum(item.amount) <> max(document.amount)
