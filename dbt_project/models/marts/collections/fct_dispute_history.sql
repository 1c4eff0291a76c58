{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='dispute_version_id',
    on_schema_change='fail',
    full_refresh=false,
    post_hook="{{ write_run_only() }}"
) }}

with current_states as (
    select dispute_id, status, disputed_amount, disputed_open_amount, reason, cast(null as timestamp) as loaded_at
    from {{ ref('fct_dispute') }}
)

{%- if is_incremental() %},

open_versions as (
    select * from {{ this }} where known_until = {{ never() }}
),

runs as (select {{ last_run(ever()) }} as last_run)
{%- endif %}

{{ versions_of('dispute_id', ['status', 'disputed_amount', 'disputed_open_amount', 'reason'], 'current_states', 'open_versions', this_run()) }}
