select
    reporting_currency,
    cast(as_of_date as date) as as_of_date,
    cast(edge_1 as integer) as edge_1,
    cast(edge_2 as integer) as edge_2,
    cast(edge_3 as integer) as edge_3,
    cast(edge_4 as integer) as edge_4,
    aging_basis,
    cast(unapplied_days as integer) as unapplied_days,
    erp_link_template
from {{ source('arsync', 'raw_arsync__policy') }}
