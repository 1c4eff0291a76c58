{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['connection', 'reconciliation_id'],
    on_schema_change='fail'
) }}

with arrived as ({{ arrived_rows(source('tryton', 'raw_tryton__reconciliation'), ['id']) }})

select
    _connection as connection,
    id as reconciliation_id,
    {{ to_text('company') }} as company_id,
    {{ to_text('number') }} as number,
    {{ to_date('date') }} as reconciliation_date,
    {{ to_text('delegate_to') }} as delegate_to_line_id,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from arrived
