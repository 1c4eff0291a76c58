with current_rows as ({{ current_rows(source('netsuite', 'raw_netsuite__accounting_period'), ['id']) }})

select
    _connection as connection,
    id as accounting_period_id,
    {{ to_text('periodname') }} as name,
    {{ to_date('startdate') }} as start_date,
    {{ to_date('enddate') }} as end_date,
    {{ to_flag('closed') }} as is_closed,
    _seq,
    _loaded_at
from current_rows
