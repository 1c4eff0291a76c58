with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__payment_term'), ['id']) }})

select
    _connection as connection,
    _connection || ':' || id as payment_terms_id,
    id as term_id,
    {{ to_text('name') }} as name,
    not coalesce(active, false) as is_inactive,
    _seq,
    _loaded_at
from current_rows
