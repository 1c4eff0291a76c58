with current_rows as ({{ current_rows(source('netsuite', 'raw_netsuite__currency'), ['id']) }})

select
    _connection as connection,
    id as currency_id,
    upper({{ to_text('symbol') }}) as currency,
    {{ to_text('name') }} as name,
    {{ to_integer('currencyprecision') }} as minor_unit,
    _seq,
    _loaded_at
from current_rows
