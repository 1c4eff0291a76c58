select connection, stream, read_started_at, rows_read, rows_new
from {{ source('arsync', 'raw_arsync__read') }}
