{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='record_key',
    on_schema_change='fail'
) }}

with arrived as ({{ arrived_rows(source('salesforce', 'raw_salesforce__ar_invoice'), ['id']) }})

select
    _connection || ':' || id as record_key,
    _connection as connection,
    id as record_id,
    {{ to_text('external_id') }} as external_id,
    {{ to_text('account_id') }} as account_id,
    {{ to_text('number') }} as number,
    {{ to_text('legal_entity') }} as legal_entity,
    {{ to_date('invoice_date') }} as invoice_date,
    {{ to_date('due_date') }} as due_date,
    {{ to_text('currency') }} as currency,
    {{ to_number('total_amount') }} as total_amount,
    {{ to_number('open_amount') }} as open_amount,
    {{ to_text('status') }} as status,
    {{ to_text('aging_bucket') }} as aging_bucket,
    {{ to_number('disputed_amount') }} as disputed_amount,
    {{ to_number('dunning_level') }} as dunning_level,
    {{ to_text('link') }} as link,
    _is_deleted or coalesce(is_deleted, false) as is_deleted,
    _seq,
    _loaded_at
from arrived
