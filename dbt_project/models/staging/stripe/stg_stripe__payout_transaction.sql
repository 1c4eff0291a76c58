with current_rows as ({{ current_rows(source('stripe', 'raw_stripe__payout_transaction'), ['id']) }})

select
    _connection as connection,
    id as balance_transaction_id,
    payout as payout_id,
    type,
    upper(currency) as currency,
    amount as amount_minor,
    fee as fee_minor,
    net as net_minor,
    source as source_id,
    {{ from_unix('created') }} as created_at,
    _seq,
    _loaded_at
from current_rows
