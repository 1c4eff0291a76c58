with open_items as (
    select document_id, sum(open_amount) as open_amount
    from {{ ref('fct_ar_aging') }}
    where item_type = 'invoice'
    group by document_id
),

promised as (
    select invoice_id, max(promised_date) as promised_date
    from {{ ref('fct_promise_to_pay') }}
    where status = 'open' and invoice_id is not null
    group by invoice_id
)

select
    dunning.connection || ':' || dunning.dunning_id as dunning_id,
    dunning.connection,
    line.document_id as invoice_id,
    coalesce(customer.customer_id, line.source_customer_id) as customer_id,
    line.source_customer_id,
    line.legal_entity_id,
    line.currency,
    level.procedure_name as dunning_procedure,
    cast(level.level_number as integer) as dunning_level,
    level.overdue_days as level_overdue_days,
    dunning.reached_date,
    dunning.state,
    dunning.is_blocked,
    line.due_date,
    cast(coalesce(open_items.open_amount, 0) as {{ type_total() }}) as open_amount,
    case
        when coalesce(open_items.open_amount, 0) = 0 then 'settled'
        when dunning.is_blocked then 'blocked'
        when promised.invoice_id is not null then 'promise'
        when invoice.disputed_open_amount > 0 then 'dispute'
    end as paused_by,
    promised.promised_date
from {{ ref('stg_tryton__dunning') }} as dunning
inner join {{ ref('int_tryton__ar_line') }} as line
    on dunning.connection || ':' || dunning.move_line_id = line.ar_line_id
left join {{ ref('stg_tryton__dunning_level') }} as level
    on dunning.connection = level.connection and dunning.dunning_level_id = level.dunning_level_id
left join {{ ref('int_customer_record__clustered') }} as customer on line.source_customer_id = customer.record_key
left join {{ ref('fct_invoice') }} as invoice on line.document_id = invoice.invoice_id
left join open_items on line.document_id = open_items.document_id
left join promised on line.document_id = promised.invoice_id
