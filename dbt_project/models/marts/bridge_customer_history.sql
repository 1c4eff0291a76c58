{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='source_customer_version_id',
    on_schema_change='fail',
    full_refresh=false,
    post_hook="{{ write_run_only() }}"
) }}

with current_records as (
    select
        record.record_key as source_customer_id,
        record.customer_id,
        intercompany.source_customer_id is not null as is_intercompany,
        cast(null as timestamp) as loaded_at
    from {{ ref('int_customer_record__clustered') }} as record
    left join {{ ref('int_intercompany_customer') }} as intercompany on record.record_key = intercompany.source_customer_id
    where record.record_type = 'erp_customer'
)

{%- if is_incremental() %},

open_versions as (
    select * from {{ this }} where known_until = {{ never() }}
),

runs as (select {{ last_run(ever()) }} as last_run)
{%- endif %}

{#- a new record comes with the documents of the same run, which are known from the run before on -#}
{{ versions_of('source_customer_id', ['customer_id', 'is_intercompany'], 'current_records', 'open_versions', 'runs.last_run') }}
