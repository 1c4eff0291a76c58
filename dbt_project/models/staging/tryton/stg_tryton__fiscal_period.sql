with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__fiscal_period'), ['id']) }})

select
    _connection as connection,
    id as fiscal_period_id,
    {{ to_text('company') }} as company_id,
    {{ to_text('name') }} as name,
    {{ to_date('start_date') }} as start_date,
    {{ to_date('end_date') }} as end_date,
    {{ to_text('state') }} as state,
    _seq,
    _loaded_at
from current_rows
