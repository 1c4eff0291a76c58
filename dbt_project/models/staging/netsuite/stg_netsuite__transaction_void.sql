{{ config(materialized='view') }}

-- since the first version that says so: what is edited later does not void it anew
with versions as not materialized (
    select
        _connection as connection,
        id,
        {{ to_flag('voided') }} as is_voided,
        lastmodifieddate,
        _seq
    from {{ source('netsuite', 'raw_netsuite__transaction') }}
    where not _is_deleted
),

voided as (
    select distinct connection, id from versions where is_voided
),

-- few were ever void: their other versions are looked for by them
living as (
    select voided.connection, voided.id, max(versions._seq) as last_seq
    from voided
    left join versions
        on voided.connection = versions.connection and voided.id = versions.id and not versions.is_voided
    group by voided.connection, voided.id
)

select versions.connection || ':' || versions.id as document_id, min({{ to_timestamp('versions.lastmodifieddate') }}) as first_modified_at
from versions
inner join living on versions.connection = living.connection and versions.id = living.id
where versions.is_voided and versions._seq > coalesce(living.last_seq, -1)
group by versions.connection, versions.id
