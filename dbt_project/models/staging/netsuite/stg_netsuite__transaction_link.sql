{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='transaction_link_id',
    on_schema_change='fail'
) }}

with arrived as (
    {{ arrived_rows(
        source('netsuite', 'raw_netsuite__transaction_link'),
        ['previousdoc', 'previousline', 'nextdoc', 'nextline', 'linktype']
    ) }}
)

select
    _connection || ':' || previousdoc || '.' || previousline || '-' || nextdoc || '.' || nextline || ':' || linktype as transaction_link_id,
    _connection || ':' || previousdoc as previous_document_id,
    _connection || ':' || nextdoc as next_document_id,
    _connection as connection,
    previousline as previous_line_id,
    nextline as next_line_id,
    {{ to_text('previoustype') }} as previous_type,
    {{ to_text('nexttype') }} as next_type,
    linktype as link_type,
    {{ to_number('foreignamount') }} as amount,
    _is_deleted as is_deleted,
    _seq,
    _loaded_at
from arrived
