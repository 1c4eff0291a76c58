select
    attempt_id,
    connection,
    object,
    business_key,
    kind,
    outcome,
    failure_class,
    code,
    planned_at,
    started_at,
    ended_at,
    cast(ended_at as date) as day,
    _seq
from {{ source('arsync', 'raw_arsync__push_attempt') }}
