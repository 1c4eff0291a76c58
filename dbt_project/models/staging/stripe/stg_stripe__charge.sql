with current_rows as ({{ current_rows(source('stripe', 'raw_stripe__charge'), ['id']) }})

select
    _connection as connection,
    id as charge_id,
    customer as customer_id,
    upper(currency) as currency,
    amount as amount_minor,
    amount_captured as captured_minor,
    amount_refunded as refunded_minor,
    payment_intent as payment_intent_id,
    balance_transaction as balance_transaction_id,
    paid as is_paid,
    captured as is_captured,
    refunded as is_refunded,
    disputed as is_disputed,
    status,
    {{ to_text('failure_code') }} as failure_code,
    {{ json_value('metadata', 'invoice_number') }} as invoice_number,
    {{ json_value('metadata', 'erp_payment') }} as erp_payment,
    {{ from_unix('created') }} as created_at,
    _seq,
    _loaded_at
from current_rows
