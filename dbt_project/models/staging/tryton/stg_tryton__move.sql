{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['connection', 'move_id'],
    on_schema_change='fail'
) }}

with arrived as ({{ arrived_rows(source('tryton', 'raw_tryton__move'), ['id']) }})

select
    _connection as connection,
    id as move_id,
    {{ to_text('company') }} as company_id,
    {{ to_text('number') }} as number,
    {{ to_text('period') }} as fiscal_period_id,
    {{ to_text('journal') }} as journal_id,
    {{ to_date('date') }} as move_date,
    {{ to_date('post_date') }} as post_date,
    {{ to_text('description') }} as description,
    {{ to_text('origin') }} as origin,
    {{ to_text('state') }} as state,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from arrived
