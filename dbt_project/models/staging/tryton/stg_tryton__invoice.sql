{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['connection', 'invoice_id'],
    on_schema_change='fail'
) }}

with arrived as ({{ arrived_rows(source('tryton', 'raw_tryton__invoice'), ['id']) }})

select
    _connection as connection,
    id as invoice_id,
    {{ to_text('company') }} as company_id,
    {{ to_text('number') }} as number,
    {{ to_text('reference') }} as reference,
    {{ to_text('description') }} as description,
    {{ to_text('state') }} as state,
    {{ to_date('invoice_date') }} as invoice_date,
    {{ to_date('accounting_date') }} as accounting_date,
    {{ to_text('payment_term') }} as term_id,
    {{ to_text('party') }} as party_id,
    {{ to_text('currency') }} as currency_id,
    {{ to_text('move') }} as move_id,
    {{ to_text('cancel_move') }} as cancel_move_id,
    additional_moves as additional_move_ids,
    payment_lines as payment_line_ids,
    {{ to_number('untaxed_amount') }} as untaxed_amount,
    {{ to_number('tax_amount') }} as tax_amount,
    {{ to_number('total_amount') }} as total_amount,
    {{ to_timestamp('created_at') }} as created_at,
    {{ to_timestamp('modified_at') }} as modified_at,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from arrived
