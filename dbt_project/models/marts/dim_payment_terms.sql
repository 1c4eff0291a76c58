select
    payment_terms_id,
    connection,
    name,
    net_days,
    discount_percent,
    discount_days,
    is_inactive
from {{ ref('stg_netsuite__term') }}
