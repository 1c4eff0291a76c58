{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['document_id', 'line_id'],
    on_schema_change='fail'
) }}

with arrived as ({{ arrived_rows(source('netsuite', 'raw_netsuite__transaction_line'), ['transaction', 'id']) }})

select
    _connection || ':' || transaction as document_id,
    id as line_id,
    _connection as connection,
    {{ to_integer('linesequencenumber') }} as line_number,
    {{ to_flag('mainline') }} as is_mainline,
    {{ to_flag('taxline') }} as is_taxline,
    {{ to_text('item') }} as item,
    {{ to_text('memo') }} as memo,
    {{ to_number('quantity') }} as quantity,
    {{ to_number('rate') }} as rate,
    {{ to_number('foreignamount') }} as amount,
    {{ to_number('netamount') }} as net_amount,
    {{ to_text('entity') }} as entity_id,
    {{ to_text('subsidiary') }} as subsidiary_id,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from arrived
