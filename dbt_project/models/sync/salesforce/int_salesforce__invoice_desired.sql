{{ config(materialized='view') }}

select
    primary_account.connection,
    invoice.invoice_id as external_id,
    primary_account.account_id,
    invoice.customer_id,
    invoice.legal_entity_id,
    iso.minor_unit,
    invoice.number,
    entity.name as legal_entity,
    invoice.invoice_date,
    invoice.due_date,
    invoice.currency,
    invoice.total_amount,
    invoice.open_amount,
    invoice.status,
    invoice.aging_bucket,
    invoice.disputed_amount,
    invoice.dunning_level,
    replace(
        replace(policy.erp_link_template, '{connection}', invoice.connection), '{id}', invoice.source_id
    ) as link
from {{ ref('fct_invoice') }} as invoice
inner join {{ ref('int_customer__primary_account') }} as primary_account
    on invoice.customer_id = primary_account.customer_id
inner join {{ ref('stg_arsync__connection') }} as connection
    on primary_account.connection = connection.connection
    and connection.role = 'crm'
    and connection.vendor = 'salesforce'
inner join {{ ref('dim_legal_entity') }} as entity on invoice.legal_entity_id = entity.legal_entity_id and not entity.is_elimination
left join {{ ref('int_intercompany_customer') }} as intercompany
    on invoice.source_customer_id = intercompany.source_customer_id
inner join {{ ref('iso_currency') }} as iso on invoice.currency = iso.currency
cross join {{ ref('stg_arsync__policy') }} as policy
where intercompany.source_customer_id is null
