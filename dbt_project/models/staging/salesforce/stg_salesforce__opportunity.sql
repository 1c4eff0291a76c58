with current_rows as ({{ current_rows(source('salesforce', 'raw_salesforce__opportunity'), ['id']) }})

select
    _connection as connection,
    id as opportunity_id,
    {{ to_text('account_id') }} as account_id,
    {{ to_text('name') }} as name,
    {{ to_text('stage_name') }} as stage_name,
    {{ to_number('amount') }} as amount,
    {{ to_text('currency_iso_code') }} as currency,
    {{ to_date('close_date') }} as close_date,
    is_closed,
    is_won,
    {{ to_utc('system_modstamp') }} as modified_at,
    _seq,
    _loaded_at
from current_rows
where not coalesce(is_deleted, false)
