with postings as (
    select legal_entity_id, currency, transaction_date as posting_date, amount from {{ ref('int_netsuite__ar_line') }}
    union all
    select legal_entity_id, currency, posted_date as posting_date, amount from {{ ref('int_tryton__ar_line') }} where not is_deleted
)

select
    legal_entity_id || '|' || currency || '|' || cast(posting_date as {{ dbt.type_string() }}) as gl_control_movement_id,
    legal_entity_id,
    currency,
    posting_date,
    cast(sum(amount) as {{ type_total() }}) as amount,
    count(*) as lines
from postings
where currency is not null and amount is not null
group by legal_entity_id, currency, posting_date
