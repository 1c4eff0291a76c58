with current_rows as ({{ current_rows(source('stripe', 'raw_stripe__invoice'), ['id']) }})

select
    _connection as connection,
    id as invoice_id,
    {{ to_text('number') }} as number,
    {{ json_value('metadata', 'erp_invoice') }} as erp_invoice,
    status,
    customer as customer_id,
    upper(currency) as currency,
    amount_due as amount_due_minor,
    amount_paid as amount_paid_minor,
    amount_remaining as amount_remaining_minor,
    total as total_minor,
    {{ from_unix('due_date') }} as due_at,
    {{ from_unix('created') }} as created_at,
    _seq,
    _loaded_at
from current_rows
