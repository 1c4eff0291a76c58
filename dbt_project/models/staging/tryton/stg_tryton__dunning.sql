with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__dunning'), ['id']) }})

select
    _connection as connection,
    id as dunning_id,
    {{ to_text('line') }} as move_line_id,
    {{ to_text('procedure') }} as procedure_id,
    {{ to_text('level') }} as dunning_level_id,
    {{ to_date('date') }} as reached_date,
    coalesce(blocked, false) as is_blocked,
    {{ to_text('state') }} as state,
    _seq,
    _loaded_at
from current_rows
