with current_rows as (
    select versions.*, loads.first_seq, loads.first_loaded_at
    from ({{ current_rows(source('tryton', 'raw_tryton__party'), ['id'], with_deleted=true) }}) as versions
    inner join ({{ first_loads(source('tryton', 'raw_tryton__party'), ['id']) }}) as loads
        on versions._connection = loads._connection and versions.id = loads.id
)

select
    _connection as connection,
    _connection || ':' || id as source_customer_id,
    id as party_id,
    {{ to_text('code') }} as number,
    {{ to_text('name') }} as name,
    not coalesce(active, false) as is_inactive,
    {{ to_text('replaced_by') }} as replaced_by_party_id,
    {{ to_text('customer_payment_term') }} as term_id,
    {{ to_timestamp('created_at') }} as created_at,
    {{ to_timestamp('modified_at') }} as modified_at,
    _is_deleted as is_deleted,
    first_seq,
    first_loaded_at,
    _seq,
    _loaded_at
from current_rows
