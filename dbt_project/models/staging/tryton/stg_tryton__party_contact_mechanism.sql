with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__party_contact_mechanism'), ['id']) }})

select
    _connection as connection,
    id as contact_mechanism_id,
    {{ to_text('party') }} as party_id,
    {{ to_text('type') }} as contact_type,
    {{ to_text('value') }} as value,
    coalesce(active, false) as is_active,
    _seq,
    _loaded_at
from current_rows
