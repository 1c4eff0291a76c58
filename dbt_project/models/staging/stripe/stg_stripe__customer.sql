with current_rows as (
    select versions.*, loads.first_seq, loads.first_loaded_at
    from ({{ current_rows(source('stripe', 'raw_stripe__customer'), ['id'], with_deleted=true) }}) as versions
    inner join ({{ first_loads(source('stripe', 'raw_stripe__customer'), ['id']) }}) as loads
        on versions._connection = loads._connection and versions.id = loads.id
)

select
    _connection || ':' || id as source_customer_id,
    _connection as connection,
    id as customer_id,
    {{ to_text('name') }} as name,
    {{ to_text('email') }} as email,
    {{ to_text('phone') }} as phone,
    upper(currency) as currency,
    balance as balance_minor,
    {{ json_value('metadata', 'erp_customer') }} as erp_customer,
    {{ json_value('address', 'country') }} as country,
    {{ from_unix('created') }} as created_at,
    _is_deleted or coalesce(deleted, false) as is_deleted,
    first_seq,
    first_loaded_at,
    _seq,
    _loaded_at
from current_rows
