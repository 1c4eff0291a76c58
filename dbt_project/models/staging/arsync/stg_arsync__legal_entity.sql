select
    connection || ':' || source_legal_entity_id as legal_entity_id,
    connection,
    source_legal_entity_id,
    time_zone,
    crm_business_unit,
    cast(as_of_date as date) as as_of_date
from {{ source('arsync', 'raw_arsync__legal_entity') }}
