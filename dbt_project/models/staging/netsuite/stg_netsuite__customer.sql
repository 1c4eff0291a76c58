with current_rows as (
    select versions.*, loads.first_seq, loads.first_loaded_at
    from ({{ current_rows(source('netsuite', 'raw_netsuite__customer'), ['id'], with_deleted=true) }}) as versions
    inner join ({{ first_loads(source('netsuite', 'raw_netsuite__customer'), ['id']) }}) as loads
        on versions._connection = loads._connection and versions.id = loads.id
)

select
    _connection || ':' || id as source_customer_id,
    _connection as connection,
    id as customer_id,
    {{ to_text('entityid') }} as number,
    {{ to_text('companyname') }} as name,
    {{ to_text('email') }} as email,
    {{ to_text('phone') }} as phone,
    {{ to_text('subsidiary') }} as subsidiary_id,
    {{ to_text('currency') }} as currency_id,
    {{ to_text('terms') }} as terms_id,
    {{ to_number('creditlimit') }} as credit_limit,
    case upper({{ to_text('creditholdoverride') }})
        when 'ON' then true
        when 'OFF' then false
        when 'AUTO' then false
        else {{ to_flag('creditholdoverride') }}
    end as is_on_credit_hold,
    {{ to_text('vatregnumber') }} as tax_registration,
    {{ to_flag('isinactive') }} as is_inactive,
    {{ to_text('externalid') }} as external_id,
    {{ to_text('parent') }} as parent_id,
    {{ to_text('representingsubsidiary') }} as represented_subsidiary_id,
    {{ to_text('billing_addr1') }} as billing_street,
    {{ to_text('billing_city') }} as billing_city,
    {{ to_text('billing_state') }} as billing_state,
    {{ to_text('billing_zip') }} as billing_postal_code,
    {{ to_text('billing_country') }} as billing_country,
    {{ to_timestamp('datecreated') }} as created_at,
    {{ to_timestamp('lastmodifieddate') }} as modified_at,
    _is_deleted as is_deleted,
    first_seq,
    first_loaded_at,
    _seq,
    _loaded_at
from current_rows
