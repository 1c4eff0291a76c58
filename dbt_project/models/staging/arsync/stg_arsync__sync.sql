select run_id, connection, stream, state, failure_class, rows_read, rows_new, logged_at
from {{ source('arsync', 'raw_arsync__sync') }}
