{{ config(meta={'dagster': {'ref': {'name': 'fct_receivable_item'}}}) }}
-- instalments of an invoice add up to its total
with parted as (
    select document_id, sum(amount) as items
    from {{ ref('fct_receivable_item') }}
    where item_count > 1
    group by document_id
)

select parted.document_id, parted.items, document.amount as posted
from parted
inner join {{ ref('int_receivable_document') }} as document on parted.document_id = document.document_id
where parted.items <> document.amount
