with current_rows as ({{ current_rows(source('files', 'raw_files__invoice'), ['invoice_id'], with_deleted=true) }})

select
    _connection || ':' || invoice_id as document_id,
    _connection as connection,
    invoice_id,
    coalesce({{ to_text('number') }}, invoice_id) as number,
    {{ to_text('customer_id') }} as customer_id,
    coalesce({{ to_text('legal_entity') }}, 'default') as source_legal_entity_id,
    {{ to_date('invoice_date') }} as invoice_date,
    {{ to_date('due_date') }} as due_date,
    {{ to_number('amount') }} as amount,
    upper({{ to_text('currency') }}) as currency,
    coalesce(disputed, false) as is_disputed,
    {{ to_number('disputed_amount') }} as disputed_amount,
    {{ to_date('settled_date') }} as settled_date,
    {{ to_number('settled_amount') }} as settled_amount,
    file_name,
    file_line,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from current_rows
