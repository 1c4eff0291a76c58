with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__payment_term_line'), ['id']) }})

select
    _connection as connection,
    id as term_line_id,
    {{ to_text('payment_term') }} as term_id,
    sequence as line_number,
    {{ to_text('type') }} as line_type,
    cast({{ to_text('ratio') }} as decimal(18, 8)) as ratio,
    {{ to_number('amount') }} as amount,
    {{ to_text('currency') }} as currency_id,
    _seq,
    _loaded_at
from current_rows
