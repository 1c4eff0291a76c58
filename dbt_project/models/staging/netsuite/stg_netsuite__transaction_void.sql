{{ config(materialized='view') }}

-- since the first version that says so: what is edited later does not void it anew
with versions as (
    select
        _connection || ':' || id as document_id,
        {{ to_flag('voided') }} as is_voided,
        {{ to_timestamp('lastmodifieddate') }} as modified_at,
        _seq
    from {{ source('netsuite', 'raw_netsuite__transaction') }}
    where not _is_deleted
),

living as (
    select document_id, max(_seq) as last_seq
    from versions
    where not is_voided and document_id in (select document_id from versions where is_voided)
    group by document_id
)

select versions.document_id, min(versions.modified_at) as first_modified_at
from versions
left join living on versions.document_id = living.document_id
where versions.is_voided and versions._seq > coalesce(living.last_seq, -1)
group by versions.document_id
