with current_rows as ({{ current_rows(source('files', 'raw_files__payment'), ['payment_id'], with_deleted=true) }})

select
    _connection || ':payment:' || payment_id as document_id,
    _connection as connection,
    payment_id,
    {{ to_text('customer_id') }} as customer_id,
    {{ to_text('invoice_id') }} as invoice_id,
    {{ to_date('payment_date') }} as payment_date,
    {{ to_number('amount') }} as amount,
    upper({{ to_text('currency') }}) as currency,
    {{ to_text('legal_entity') }} as source_legal_entity_id,
    file_name,
    file_line,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from current_rows
