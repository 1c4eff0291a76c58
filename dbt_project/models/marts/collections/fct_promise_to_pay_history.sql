{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='promise_version_id',
    on_schema_change='fail',
    full_refresh=false,
    post_hook="{{ write_run_only() }}"
) }}

with current_states as (
    select promise_id, status, promised_amount, promised_date, received_amount, cast(null as timestamp) as loaded_at
    from {{ ref('fct_promise_to_pay') }}
)

{%- if is_incremental() %},

open_versions as (
    select * from {{ this }} where known_until = {{ never() }}
),

runs as (select {{ last_run(ever()) }} as last_run)
{%- endif %}

{{ versions_of('promise_id', ['status', 'promised_amount', 'promised_date', 'received_amount'], 'current_states', 'open_versions', this_run()) }}
