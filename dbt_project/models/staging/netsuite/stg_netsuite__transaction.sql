{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='document_id',
    on_schema_change='fail'
) }}

with arrived as ({{ arrived_rows(source('netsuite', 'raw_netsuite__transaction'), ['id']) }})

select
    _connection || ':' || id as document_id,
    _connection as connection,
    id as transaction_id,
    {{ to_text('tranid') }} as number,
    type as transaction_type,
    {{ to_date('trandate') }} as transaction_date,
    {{ to_date('duedate') }} as due_date,
    {{ to_text('entity') }} as entity_id,
    {{ to_text('subsidiary') }} as subsidiary_id,
    {{ to_text('status') }} as status,
    {{ to_text('currency') }} as currency_id,
    {{ to_rate('exchangerate') }} as exchange_rate,
    {{ to_number('foreigntotal') }} as total_amount,
    {{ to_number('foreignamountpaid') }} as paid_amount,
    {{ to_number('foreignamountunpaid') }} as unpaid_amount,
    {{ to_number('foreignpaymentamountused') }} as used_amount,
    {{ to_number('foreignpaymentamountunused') }} as unused_amount,
    {{ to_text('terms') }} as terms_id,
    {{ to_date('closedate') }} as close_date,
    {{ to_text('postingperiod') }} as accounting_period_id,
    {{ to_flag('voided') }} as is_voided,
    {{ to_flag('isreversal') }} as is_reversal,
    {{ to_text('memo') }} as memo,
    {{ to_text('externalid') }} as external_id,
    {{ to_text('custbody_dispute_reason') }} as dispute_reason,
    {{ to_number('custbody_disputed_amount') }} as disputed_amount,
    {{ to_timestamp('createddate') }} as created_at,
    {{ to_timestamp('lastmodifieddate') }} as modified_at,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from arrived
