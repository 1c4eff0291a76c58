with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__account'), ['id']) }})

select
    _connection as connection,
    id as account_id,
    {{ to_text('company') }} as company_id,
    {{ to_text('code') }} as number,
    {{ to_text('name') }} as name,
    {{ to_text('type_name') }} as account_type,
    coalesce(receivable, false) as is_receivable,
    coalesce(payable, false) as is_payable,
    coalesce(closed, false) as is_closed,
    _seq,
    _loaded_at
from current_rows
