with entities as (
    select
        subsidiary.legal_entity_id,
        subsidiary.connection,
        subsidiary.subsidiary_id as source_legal_entity_id,
        subsidiary.name,
        subsidiary.country,
        currency.currency as functional_currency,
        cast(null as {{ dbt.type_string() }}) as time_zone,
        subsidiary.is_elimination
    from {{ ref('stg_netsuite__subsidiary') }} as subsidiary
    left join {{ ref('stg_netsuite__currency') }} as currency
        on subsidiary.connection = currency.connection and subsidiary.currency_id = currency.currency_id

    union all

    select
        company.legal_entity_id,
        company.connection,
        company.company_id as source_legal_entity_id,
        company.name,
        cast(null as {{ dbt.type_string() }}) as country,
        currency.currency as functional_currency,
        company.time_zone,
        false as is_elimination
    from {{ ref('stg_tryton__company') }} as company
    left join {{ ref('stg_tryton__currency') }} as currency
        on company.connection = currency.connection and company.currency_id = currency.currency_id

    union all

    select
        connection || ':' || source_legal_entity_id as legal_entity_id,
        connection,
        source_legal_entity_id,
        source_legal_entity_id as name,
        cast(null as {{ dbt.type_string() }}) as country,
        -- rows that leave theirs to defaults may be in another
        case when count(distinct coalesce(currency, '')) = 1 then min(currency) end as functional_currency,
        cast(null as {{ dbt.type_string() }}) as time_zone,
        false as is_elimination
    from (
        select connection, source_legal_entity_id, currency from {{ ref('stg_files__invoice') }}
        where not is_deleted
        union all
        select connection, source_legal_entity_id, currency
        from {{ ref('stg_files__payment') }}
        where not is_deleted and source_legal_entity_id is not null
    ) as file_rows
    group by connection, source_legal_entity_id
)

select
    entities.legal_entity_id,
    entities.connection,
    entities.source_legal_entity_id,
    entities.name,
    entities.country,
    entities.functional_currency,
    iso.minor_unit as functional_minor_unit,
    coalesce(configured.time_zone, entities.time_zone, 'UTC') as time_zone,
    configured.crm_business_unit,
    coalesce(configured.as_of_date, policy.as_of_date) as as_of_date,
    coalesce(configured.edge_1, policy.edge_1) as edge_1,
    coalesce(configured.edge_2, policy.edge_2) as edge_2,
    coalesce(configured.edge_3, policy.edge_3) as edge_3,
    coalesce(configured.edge_4, policy.edge_4) as edge_4,
    coalesce(configured.aging_basis, policy.aging_basis) as aging_basis,
    entities.is_elimination
from entities
cross join {{ ref('stg_arsync__policy') }} as policy
left join {{ ref('stg_arsync__legal_entity') }} as configured
    on entities.legal_entity_id = configured.legal_entity_id
left join {{ ref('iso_currency') }} as iso on entities.functional_currency = iso.currency
