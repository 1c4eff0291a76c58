with current_rows as ({{ current_rows(source('netsuite', 'raw_netsuite__subsidiary'), ['id']) }})

select
    _connection || ':' || id as legal_entity_id,
    _connection as connection,
    id as subsidiary_id,
    {{ to_text('name') }} as name,
    {{ to_text('country') }} as country,
    {{ to_text('currency') }} as currency_id,
    {{ to_text('parent') }} as parent_id,
    {{ to_flag('iselimination') }} as is_elimination,
    {{ to_timestamp('lastmodifieddate') }} as modified_at,
    _seq,
    _loaded_at
from current_rows
