with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__currency_rate'), ['id']) }})

select
    _connection as connection,
    id as currency_rate_id,
    {{ to_text('currency') }} as currency_id,
    {{ to_date('date') }} as effective_date,
    {{ to_rate('rate') }} as rate,
    _seq,
    _loaded_at
from current_rows
