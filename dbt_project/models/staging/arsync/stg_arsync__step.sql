select step_id, run_id, step, state, failure_class, logged_at
from {{ source('arsync', 'raw_arsync__step') }}
