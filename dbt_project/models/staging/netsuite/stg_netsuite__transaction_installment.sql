{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['document_id', 'installment_id'],
    on_schema_change='fail'
) }}

with arrived as ({{ arrived_rows(source('netsuite', 'raw_netsuite__transaction_installment'), ['transaction', 'id']) }})

select
    _connection || ':' || transaction as document_id,
    id as installment_id,
    _connection as connection,
    {{ to_date('duedate') }} as due_date,
    {{ to_number('amount') }} as amount,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from arrived
