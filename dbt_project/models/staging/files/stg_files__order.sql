with current_rows as ({{ current_rows(source('files', 'raw_files__order'), ['order_id']) }})

select
    _connection || ':' || order_id as order_id,
    _connection as connection,
    {{ source_key('customer_id') }} as source_customer_id,
    {{ source_key('legal_entity') }} as legal_entity_id,
    {{ to_date('order_date') }} as order_date,
    {{ to_number('unbilled_amount') }} as unbilled_amount,
    upper({{ to_text('currency') }}) as currency,
    coalesce(released, true) as is_released,
    _seq,
    _loaded_at
from current_rows
