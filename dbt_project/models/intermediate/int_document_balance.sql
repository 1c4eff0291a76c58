-- only documents with something left open at the as-of date: everything else is settled or not yet posted
select
    event.document_id,
    cast(sum(event.amount) as {{ type_money() }}) as open_amount
from {{ ref('fct_receivable_event') }} as event
inner join {{ ref('dim_legal_entity') }} as entity
    on event.legal_entity_id = entity.legal_entity_id and event.business_date <= entity.as_of_date
group by event.document_id
having sum(event.amount) <> 0
