with current_rows as ({{ current_rows(source('stripe', 'raw_stripe__dispute'), ['id']) }})

select
    _connection as connection,
    id as dispute_id,
    charge as charge_id,
    upper(currency) as currency,
    amount as amount_minor,
    status,
    {{ to_text('reason') }} as reason,
    {{ from_unix('created') }} as created_at,
    _seq,
    _loaded_at
from current_rows
