with owners as (
    select connection, party_id from {{ ref('stg_tryton__company') }}
),

-- a party has no currency of its own: the one of its invoices when there is one only, else the company's
home as (
    select
        company.connection,
        min(company.legal_entity_id) as legal_entity_id,
        min(currency.currency) as currency
    from {{ ref('stg_tryton__company') }} as company
    left join {{ ref('stg_tryton__currency') }} as currency
        on company.connection = currency.connection and company.currency_id = currency.currency_id
    group by company.connection
),

uses as (
    select
        source_customer_id,
        case when count(distinct legal_entity_id) = 1 then min(legal_entity_id) end as legal_entity_id,
        case when count(distinct currency) = 1 then min(currency) end as currency
    from {{ ref('int_tryton__document') }}
    where document_type in ('invoice', 'credit_memo') and not is_deleted
    group by source_customer_id
),

addresses as (
    select
        connection,
        party_id,
        country,
        row_number() over (
            partition by connection, party_id
            order by case when is_active then 0 else 1 end, case when is_billing then 0 else 1 end,
                case when country is null then 1 else 0 end, length(address_id), address_id
        ) as preference
    from {{ ref('stg_tryton__party_address') }}
),

-- identifiers without a type are other systems' keys
registrations as (
    select
        connection,
        party_id,
        code,
        row_number() over (
            partition by connection, party_id
            order by case when is_active then 0 else 1 end, case when identifier_type = 'eu_vat' then 0 else 1 end,
                length(identifier_id), identifier_id
        ) as preference
    from {{ ref('stg_tryton__party_identifier') }}
    where identifier_type is not null
),

contacts as (
    select
        connection,
        party_id,
        case when contact_type = 'email' then 'email' else 'phone' end as kind,
        value,
        row_number() over (
            partition by connection, party_id, case when contact_type = 'email' then 'email' else 'phone' end
            order by case contact_type when 'mobile' then 1 else 0 end, length(contact_mechanism_id), contact_mechanism_id
        ) as preference
    from {{ ref('stg_tryton__party_contact_mechanism') }}
    where is_active and contact_type in ('email', 'phone', 'mobile')
)

select
    party.source_customer_id,
    party.connection,
    party.party_id as source_id,
    coalesce(party.number, party.party_id) as number,
    party.name,
    addresses.country,
    registrations.code as tax_registration,
    email.value as email,
    phone.value as phone,
    coalesce(uses.legal_entity_id, home.legal_entity_id) as legal_entity_id,
    coalesce(uses.currency, home.currency) as currency,
    term.name as payment_terms,
    cast(null as {{ type_money() }}) as credit_limit,
    false as is_on_credit_hold,
    party.is_inactive,
    false as is_intercompany,
    cast(null as {{ dbt.type_string() }}) as parent_source_customer_id,
    party.connection || ':' || party.replaced_by_party_id as merged_into_source_customer_id,
    party.is_deleted or party.replaced_by_party_id is not null as is_deleted,
    party.first_seq,
    party.first_loaded_at
from {{ ref('stg_tryton__party') }} as party
left join owners on party.connection = owners.connection and party.party_id = owners.party_id
left join home on party.connection = home.connection
left join uses on party.source_customer_id = uses.source_customer_id
left join addresses
    on party.connection = addresses.connection and party.party_id = addresses.party_id and addresses.preference = 1
left join registrations
    on party.connection = registrations.connection
    and party.party_id = registrations.party_id
    and registrations.preference = 1
left join contacts as email
    on party.connection = email.connection
    and party.party_id = email.party_id
    and email.kind = 'email'
    and email.preference = 1
left join contacts as phone
    on party.connection = phone.connection
    and party.party_id = phone.party_id
    and phone.kind = 'phone'
    and phone.preference = 1
left join {{ ref('stg_tryton__payment_term') }} as term
    on party.connection = term.connection and party.term_id = term.term_id
where owners.party_id is null
