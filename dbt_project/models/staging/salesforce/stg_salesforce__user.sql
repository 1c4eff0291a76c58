with current_rows as ({{ current_rows(source('salesforce', 'raw_salesforce__user'), ['id']) }})

select
    _connection as connection,
    id as user_id,
    {{ to_text('name') }} as name,
    {{ to_text('email') }} as email,
    is_active,
    {{ to_utc('system_modstamp') }} as modified_at,
    _seq,
    _loaded_at
from current_rows
