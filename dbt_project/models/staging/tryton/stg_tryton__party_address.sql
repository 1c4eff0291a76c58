with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__party_address'), ['id']) }})

select
    _connection as connection,
    id as address_id,
    {{ to_text('party') }} as party_id,
    {{ to_text('street') }} as street,
    {{ to_text('city') }} as city,
    {{ to_text('subdivision') }} as state,
    {{ to_text('postal_code') }} as postal_code,
    upper({{ to_text('country') }}) as country,
    coalesce(invoice, false) as is_billing,
    coalesce(active, false) as is_active,
    _seq,
    _loaded_at
from current_rows
