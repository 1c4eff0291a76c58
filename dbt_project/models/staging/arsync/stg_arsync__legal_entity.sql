select
    connection || ':' || source_legal_entity_id as legal_entity_id,
    connection,
    source_legal_entity_id,
    time_zone,
    crm_business_unit,
    cast(as_of_date as date) as as_of_date,
    cast(edge_1 as integer) as edge_1,
    cast(edge_2 as integer) as edge_2,
    cast(edge_3 as integer) as edge_3,
    cast(edge_4 as integer) as edge_4,
    aging_basis
from {{ source('arsync', 'raw_arsync__legal_entity') }}
