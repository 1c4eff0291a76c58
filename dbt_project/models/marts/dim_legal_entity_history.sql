{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='legal_entity_version_id',
    on_schema_change='fail',
    full_refresh=false,
    pre_hook="{{ take_in_time_zones() }}",
    post_hook="{{ write_run_only() }}"
) }}

with current_entities as (
    select
        legal_entity_id, edge_1, edge_2, edge_3, edge_4, aging_basis, is_elimination, time_zone,
        cast(null as timestamp) as loaded_at
    from {{ ref('dim_legal_entity') }}
)

{%- if is_incremental() %},

open_versions as (
    select * from {{ this }} where known_until = {{ never() }}
),

runs as (select {{ last_run(ever()) }} as last_run)
{%- endif %}

{{ versions_of(
    'legal_entity_id', ['edge_1', 'edge_2', 'edge_3', 'edge_4', 'aging_basis', 'is_elimination', 'time_zone'],
    'current_entities', 'open_versions', 'runs.last_run'
) }}
