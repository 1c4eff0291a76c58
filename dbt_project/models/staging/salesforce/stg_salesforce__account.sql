{{ config(materialized='table') }}

-- a table, for much reads it, and text is parsed once
with current_rows as (
    select versions.*, loads.first_seq, loads.first_loaded_at
    from ({{ current_rows(source('salesforce', 'raw_salesforce__account'), ['id'], with_deleted=true) }}) as versions
    inner join ({{ first_loads(source('salesforce', 'raw_salesforce__account'), ['id']) }}) as loads
        on versions._connection = loads._connection and versions.id = loads.id
)

select
    _connection as connection,
    id as account_id,
    {{ to_text('name') }} as name,
    {{ to_text('account_number') }} as account_number,
    {{ to_text('parent_id') }} as parent_id,
    {{ to_text('owner_id') }} as owner_id,
    {{ to_text('type') }} as type,
    {{ to_text('phone') }} as phone,
    {{ to_text('website') }} as website,
    {{ to_text('billing_street') }} as billing_street,
    {{ to_text('billing_city') }} as billing_city,
    {{ to_text('billing_state') }} as billing_state,
    {{ to_text('billing_postal_code') }} as billing_postal_code,
    {{ to_text('billing_country') }} as billing_country,
    {{ to_text('currency_iso_code') }} as currency_iso_code,
    {{ to_text('erp_customer_id') }} as erp_customer_id,
    {{ to_text('tax_registration') }} as tax_registration,
    {{ to_utc('created_date') }} as created_at,
    {{ to_utc('system_modstamp') }} as modified_at,
    {{ to_number('ar__open_balance') }} as shown_open_balance,
    {{ to_number('ar__overdue_balance') }} as shown_overdue_balance,
    {{ to_number('ar__current') }} as shown_current_amount,
    {{ to_number('ar__days_1_30') }} as shown_days_1_30,
    {{ to_number('ar__days_31_60') }} as shown_days_31_60,
    {{ to_number('ar__days_61_90') }} as shown_days_61_90,
    {{ to_number('ar__days_91_plus') }} as shown_days_91_plus,
    {{ to_number('ar__unapplied') }} as shown_unapplied,
    {{ to_number('ar__disputed') }} as shown_disputed,
    {{ to_number('ar__credit_limit') }} as shown_credit_limit,
    {{ to_number('ar__credit_available') }} as shown_credit_available,
    ar__over_limit as shown_over_limit,
    ar__credit_hold as shown_credit_hold,
    {{ to_text('ar__payment_terms') }} as shown_payment_terms,
    {{ to_text('ar__collections_status') }} as shown_collections_status,
    {{ to_date('ar__promise_date') }} as shown_promise_date,
    {{ to_number('ar__average_days_to_pay') }} as shown_average_days_to_pay,
    {{ to_date('ar__last_payment_date') }} as shown_last_payment_date,
    {{ to_number('ar__last_payment_amount') }} as shown_last_payment_amount,
    {{ to_date('ar__oldest_due_date') }} as shown_oldest_due_date,
    {{ to_text('ar__currency') }} as shown_currency,
    {{ to_date('ar__as_of_date') }} as shown_as_of_date,
    {{ to_text('master_record_id') }} as master_record_id,
    _is_deleted or coalesce(is_deleted, false) as is_deleted,
    first_seq,
    first_loaded_at,
    _seq,
    _loaded_at
from current_rows
