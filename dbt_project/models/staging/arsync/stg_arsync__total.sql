select
    connection,
    stream,
    object,
    nullif(currency, '') as currency_id,
    row_count,
    {{ to_number('amount') }} as amount,
    stood_still,
    taken_at
from {{ source('arsync', 'raw_arsync__total') }}
