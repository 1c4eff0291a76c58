with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__party_identifier'), ['id']) }})

select
    _connection as connection,
    id as identifier_id,
    {{ to_text('party') }} as party_id,
    {{ to_text('type') }} as identifier_type,
    {{ to_text('code') }} as code,
    coalesce(active, false) as is_active,
    _seq,
    _loaded_at
from current_rows
