{{ config(materialized='view') }}

with numbered as ({{ document_numbers() }})

select
    numbered.document_no,
    event.legal_entity_id,
    event.business_date,
    event.known_at,
    event.amount,
    event.functional_amount
from {{ ref('fct_receivable_event') }} as event
inner join numbered on event.document_id = numbered.document_id
order by numbered.document_no, event.business_date
