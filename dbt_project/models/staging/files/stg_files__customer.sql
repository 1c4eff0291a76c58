with current_rows as (
    select versions.*, loads.first_seq, loads.first_loaded_at
    from ({{ current_rows(source('files', 'raw_files__customer'), ['customer_id'], with_deleted=true) }}) as versions
    inner join ({{ first_loads(source('files', 'raw_files__customer'), ['customer_id']) }}) as loads
        on versions._connection = loads._connection and versions.customer_id = loads.customer_id
)

select
    _connection || ':' || customer_id as source_customer_id,
    _connection as connection,
    customer_id,
    {{ to_text('name') }} as name,
    {{ to_text('country') }} as country,
    {{ to_text('email') }} as email,
    {{ to_text('phone') }} as phone,
    {{ to_text('tax_registration') }} as tax_registration,
    upper({{ to_text('currency') }}) as currency,
    file_name,
    file_line,
    _is_deleted as is_deleted,
    first_seq,
    first_loaded_at,
    _seq,
    _loaded_at
from current_rows
