with current_rows as ({{ current_rows(source('files', 'raw_files__promise'), ['promise_id']) }})

select
    _connection || ':' || promise_id as promise_id,
    _connection as connection,
    {{ source_key('customer_id') }} as source_customer_id,
    {{ source_key('invoice_id') }} as invoice_id,
    {{ to_date('made_date') }} as made_date,
    {{ to_date('promised_date') }} as promised_date,
    {{ to_number('amount') }} as amount,
    upper({{ to_text('currency') }}) as currency,
    coalesce(cancelled, false) as is_cancelled,
    _seq,
    _loaded_at
from current_rows
