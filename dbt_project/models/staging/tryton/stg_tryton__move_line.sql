{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['connection', 'move_line_id'],
    on_schema_change='fail'
) }}

with arrived as ({{ arrived_rows(source('tryton', 'raw_tryton__move_line'), ['id']) }})

select
    _connection as connection,
    id as move_line_id,
    {{ to_text('move') }} as move_id,
    {{ to_text('account') }} as account_id,
    {{ to_text('party') }} as party_id,
    {{ to_number('debit') }} as debit_amount,
    {{ to_number('credit') }} as credit_amount,
    {{ to_text('second_currency') }} as second_currency_id,
    {{ to_number('amount_second_currency') }} as second_currency_amount,
    {{ to_date('maturity_date') }} as maturity_date,
    {{ to_text('reconciliation') }} as reconciliation_id,
    {{ to_text('description') }} as description,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from arrived
