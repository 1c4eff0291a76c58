with current_rows as ({{ current_rows(source('stripe', 'raw_stripe__payout'), ['id']) }})

select
    _connection as connection,
    id as payout_id,
    upper(currency) as currency,
    amount as amount_minor,
    status,
    automatic as is_automatic,
    {{ from_unix('arrival_date') }} as arrival_at,
    {{ from_unix('created') }} as created_at,
    _seq,
    _loaded_at
from current_rows
