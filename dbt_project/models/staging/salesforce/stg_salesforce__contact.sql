with current_rows as ({{ current_rows(source('salesforce', 'raw_salesforce__contact'), ['id']) }})

select
    _connection as connection,
    id as contact_id,
    {{ to_text('account_id') }} as account_id,
    {{ to_text('first_name') }} as first_name,
    {{ to_text('last_name') }} as last_name,
    {{ to_text('email') }} as email,
    {{ to_text('phone') }} as phone,
    {{ to_text('title') }} as title,
    {{ to_utc('system_modstamp') }} as modified_at,
    _seq,
    _loaded_at
from current_rows
where not coalesce(is_deleted, false)
