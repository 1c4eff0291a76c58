select connection, vendor, role
from {{ source('arsync', 'raw_arsync__connection') }}
