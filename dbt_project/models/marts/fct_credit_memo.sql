select
    document.document_id as credit_memo_id,
    document.connection,
    document.number,
    coalesce(customer.customer_id, document.source_customer_id) as customer_id,
    document.source_customer_id,
    document.legal_entity_id,
    document.document_date as credit_memo_date,
    document.currency,
    -document.amount as amount,
    coalesce(-balance.open_amount, 0) as unapplied_amount,
    entity.as_of_date,
    document.known_at
from {{ ref('int_receivable_document') }} as document
inner join {{ ref('dim_legal_entity') }} as entity on document.legal_entity_id = entity.legal_entity_id
left join {{ ref('int_customer_record__clustered') }} as customer on document.source_customer_id = customer.record_key
left join {{ ref('int_document_balance') }} as balance on document.document_id = balance.document_id
where document.document_type = 'credit_memo'
