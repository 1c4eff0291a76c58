with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__dunning_level'), ['id']) }})

select
    _connection as connection,
    id as dunning_level_id,
    {{ to_text('procedure') }} as procedure_id,
    {{ to_text('procedure_name') }} as procedure_name,
    sequence as level_number,
    cast(cast({{ to_text('overdue') }} as decimal(18, 1)) / 86400 as integer) as overdue_days,
    _seq,
    _loaded_at
from current_rows
