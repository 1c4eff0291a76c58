-- one row per invoice that had anything set against it by the as-of date
select
    application.debit_document_id as document_id,
    max(application.application_date) as last_application_date,
    min(case when application.application_type = 'void' then application.application_date end) as void_date,
    sum(case when application.application_type = 'write_off' then application.amount else 0 end) as written_off_amount
from {{ ref('fct_payment_application') }} as application
inner join {{ ref('dim_legal_entity') }} as entity
    on application.legal_entity_id = entity.legal_entity_id
    and application.application_date <= entity.as_of_date
group by application.debit_document_id
