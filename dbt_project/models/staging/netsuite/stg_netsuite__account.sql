with current_rows as ({{ current_rows(source('netsuite', 'raw_netsuite__account'), ['id']) }})

select
    _connection as connection,
    id as account_id,
    {{ to_text('acctnumber') }} as number,
    {{ to_text('accttype') }} as account_type,
    {{ to_text('fullname') }} as name,
    _seq,
    _loaded_at
from current_rows
