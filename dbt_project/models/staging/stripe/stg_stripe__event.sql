with current_rows as ({{ current_rows(source('stripe', 'raw_stripe__event'), ['id']) }})

select
    _connection as connection,
    id as event_id,
    type,
    object_id,
    object_type,
    {{ from_unix('created') }} as created_at,
    _seq,
    _loaded_at
from current_rows
