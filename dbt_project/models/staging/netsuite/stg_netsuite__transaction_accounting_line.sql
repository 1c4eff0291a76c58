{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['document_id', 'line_id', 'account_id'],
    on_schema_change='fail'
) }}

with arrived as (
    {{ arrived_rows(source('netsuite', 'raw_netsuite__transaction_accounting_line'), ['transaction', 'transactionline', 'account']) }}
)

select
    _connection || ':' || transaction as document_id,
    transactionline as line_id,
    account as account_id,
    _connection as connection,
    {{ to_number('amount') }} as functional_amount,
    {{ to_number('debit') }} as debit_amount,
    {{ to_number('credit') }} as credit_amount,
    {{ to_flag('posting') }} as is_posting,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from arrived
