with netsuite as (
    select
        customer.source_customer_id,
        customer.connection,
        customer.customer_id as source_id,
        customer.number,
        customer.name,
        upper(customer.billing_country) as country,
        customer.tax_registration,
        customer.email,
        customer.phone,
        customer.connection || ':' || customer.subsidiary_id as legal_entity_id,
        currency.currency,
        term.name as payment_terms,
        cast({{ round_money('customer.credit_limit', 'iso.minor_unit') }} as {{ type_money() }}) as credit_limit,
        customer.is_on_credit_hold,
        customer.is_inactive,
        customer.represented_subsidiary_id is not null as is_intercompany,
        customer.connection || ':' || customer.parent_id as parent_source_customer_id,
        cast(null as {{ dbt.type_string() }}) as merged_into_source_customer_id,
        customer.is_deleted or gone.record_key is not null as is_deleted,
        customer.first_seq,
        customer.first_loaded_at
    from {{ ref('stg_netsuite__customer') }} as customer
    left join {{ ref('stg_netsuite__currency') }} as currency
        on customer.connection = currency.connection and customer.currency_id = currency.currency_id
    left join {{ ref('iso_currency') }} as iso on currency.currency = iso.currency
    left join {{ ref('stg_netsuite__term') }} as term
        on customer.connection = term.connection and customer.terms_id = term.term_id
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on customer.source_customer_id = gone.record_key and gone.is_customer
),

file_documents as (
    select connection, customer_id, source_legal_entity_id, currency, _seq, _loaded_at
    from {{ ref('stg_files__invoice') }}
    where not is_deleted
    union all
    select connection, customer_id, source_legal_entity_id, currency, _seq, _loaded_at
    from {{ ref('stg_files__payment') }}
    where not is_deleted and customer_id is not null
),

file_use as (
    select
        connection,
        customer_id,
        case when count(distinct source_legal_entity_id) = 1 then min(source_legal_entity_id) end as source_legal_entity_id,
        case when count(distinct currency) = 1 then min(currency) end as currency,
        min(_seq) as first_seq,
        min(_loaded_at) as first_loaded_at
    from file_documents
    group by connection, customer_id
),

files as (
    select
        coalesce(customer.connection, file_use.connection) as connection,
        coalesce(customer.customer_id, file_use.customer_id) as source_id,
        coalesce(customer.name, customer.customer_id, file_use.customer_id) as name,
        upper(customer.country) as country,
        customer.tax_registration,
        customer.email,
        customer.phone,
        file_use.source_legal_entity_id,
        coalesce(customer.currency, file_use.currency) as currency,
        customer.is_deleted and file_use.customer_id is null as is_deleted,
        least(
            coalesce(customer.first_seq, file_use.first_seq), coalesce(file_use.first_seq, customer.first_seq)
        ) as first_seq,
        least(
            coalesce(customer.first_loaded_at, file_use.first_loaded_at),
            coalesce(file_use.first_loaded_at, customer.first_loaded_at)
        ) as first_loaded_at
    from {{ ref('stg_files__customer') }} as customer
    full outer join file_use
        on customer.connection = file_use.connection and customer.customer_id = file_use.customer_id
)

select * from netsuite

union all

select * from {{ ref('int_tryton__customer') }}

union all

select
    connection || ':' || source_id as source_customer_id,
    connection,
    source_id,
    source_id as number,
    name,
    country,
    tax_registration,
    email,
    phone,
    connection || ':' || source_legal_entity_id as legal_entity_id,
    currency,
    cast(null as {{ dbt.type_string() }}) as payment_terms,
    cast(null as {{ type_money() }}) as credit_limit,
    false as is_on_credit_hold,
    false as is_inactive,
    false as is_intercompany,
    cast(null as {{ dbt.type_string() }}) as parent_source_customer_id,
    cast(null as {{ dbt.type_string() }}) as merged_into_source_customer_id,
    coalesce(is_deleted, false) as is_deleted,
    first_seq,
    first_loaded_at
from files
