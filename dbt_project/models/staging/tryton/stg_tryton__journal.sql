with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__journal'), ['id']) }})

select
    _connection as connection,
    id as journal_id,
    {{ to_text('name') }} as name,
    {{ to_text('code') }} as code,
    {{ to_text('type') }} as journal_type,
    _seq,
    _loaded_at
from current_rows
