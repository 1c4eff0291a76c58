{%- set fields = invoice_fields() -%}

with held as (
    select record.*, iso.minor_unit as held_minor_unit
    from {{ ref('stg_salesforce__ar_invoice') }} as record
    inner join {{ ref('stg_arsync__connection') }} as connection
        on record.connection = connection.connection
        and connection.role = 'crm'
        and connection.vendor = 'salesforce'
    left join {{ ref('iso_currency') }} as iso on record.currency = iso.currency
    where not record.is_deleted and record.external_id is not null
)

select
    coalesce(desired.connection, held.connection) as connection,
    coalesce(desired.external_id, held.external_id) as external_id,
    desired.customer_id,
    desired.legal_entity_id,
    desired.external_id is not null as is_desired,
    held.external_id is not null as is_held,
    coalesce(desired.minor_unit, held.held_minor_unit, 2) as minor_unit,
    held.held_minor_unit,
    held.record_id,
    {% for name, column, kind in fields %}
    desired.{{ column }},
    held.{{ column }} as held_{{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('int_salesforce__invoice_desired') }} as desired
full outer join held
    on desired.connection = held.connection and desired.external_id = held.external_id
where desired.external_id is null
    or held.external_id is null
    or {{ fields_differ(fields, 'desired', 'held') }}
