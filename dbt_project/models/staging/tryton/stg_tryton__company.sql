with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__company'), ['id']) }})

select
    _connection as connection,
    _connection || ':' || id as legal_entity_id,
    id as company_id,
    {{ to_text('name') }} as name,
    {{ to_text('party') }} as party_id,
    {{ to_text('currency') }} as currency_id,
    {{ to_text('timezone') }} as time_zone,
    _seq,
    _loaded_at
from current_rows
