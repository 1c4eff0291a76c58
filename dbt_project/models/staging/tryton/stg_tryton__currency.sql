with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__currency'), ['id']) }})

select
    _connection as connection,
    id as currency_id,
    upper({{ to_text('code') }}) as currency,
    {{ to_text('name') }} as name,
    digits as minor_unit,
    _seq,
    _loaded_at
from current_rows
