with current_rows as ({{ current_rows(source('stripe', 'raw_stripe__balance_transaction'), ['id']) }})

select
    _connection as connection,
    id as balance_transaction_id,
    upper(currency) as currency,
    amount as amount_minor,
    fee as fee_minor,
    net as net_minor,
    type,
    reporting_category,
    source as source_id,
    status,
    {{ from_unix('available_on') }} as available_at,
    {{ from_unix('created') }} as created_at,
    _seq,
    _loaded_at
from current_rows
