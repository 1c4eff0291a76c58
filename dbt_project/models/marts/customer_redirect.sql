-- a customer id is the key of its earliest member; any other member's key may once have been one
select
    record_key as previous_customer_id,
    customer_id
from {{ ref('int_customer_record__clustered') }}
where record_key <> customer_id
