{{ config(materialized='table') }}

-- a table, for much reads it, and text is parsed once
with current_rows as ({{ current_rows(source('salesforce', 'raw_salesforce__ar_account_balance'), ['id']) }})

select
    _connection as connection,
    id as record_id,
    {{ to_text('external_id') }} as external_id,
    {{ to_text('account_id') }} as account_id,
    {{ to_text('legal_entity') }} as legal_entity,
    {{ to_text('currency') }} as currency,
    {{ to_text('erp_customer_id') }} as erp_customer_id,
    {{ to_number('open_balance') }} as open_balance,
    {{ to_number('overdue_balance') }} as overdue_balance,
    {{ to_number('"current"') }} as current_amount,
    {{ to_number('days_1_30') }} as days_1_30,
    {{ to_number('days_31_60') }} as days_31_60,
    {{ to_number('days_61_90') }} as days_61_90,
    {{ to_number('days_91_plus') }} as days_91_plus,
    {{ to_number('unapplied') }} as unapplied,
    {{ to_number('disputed') }} as disputed,
    {{ to_number('credit_limit') }} as credit_limit,
    {{ to_number('credit_available') }} as credit_available,
    over_limit,
    credit_hold,
    {{ to_text('payment_terms') }} as payment_terms,
    {{ to_date('oldest_due_date') }} as oldest_due_date,
    {{ to_date('as_of_date') }} as as_of_date,
    {{ to_utc('system_modstamp') }} as modified_at,
    _seq,
    _loaded_at
from current_rows
where not coalesce(is_deleted, false)
