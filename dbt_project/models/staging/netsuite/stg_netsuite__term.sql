with current_rows as ({{ current_rows(source('netsuite', 'raw_netsuite__term'), ['id']) }})

select
    _connection || ':' || id as payment_terms_id,
    _connection as connection,
    id as term_id,
    {{ to_text('name') }} as name,
    {{ to_integer('daysuntilnetdue') }} as net_days,
    {{ to_number('discountpercent') }} as discount_percent,
    {{ to_integer('daysuntilexpiry') }} as discount_days,
    {{ to_flag('isinactive') }} as is_inactive,
    _seq,
    _loaded_at
from current_rows
