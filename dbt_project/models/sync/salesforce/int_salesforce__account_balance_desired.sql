{{ config(materialized='view') }}

with balances as (
    select
        summary.*,
        entity.name as legal_entity_name,
        iso.minor_unit
    from {{ ref('ar_customer_summary') }} as summary
    inner join {{ ref('dim_legal_entity') }} as entity on summary.legal_entity_id = entity.legal_entity_id and not entity.is_elimination
    inner join {{ ref('dim_customer') }} as customer
        on summary.customer_id = customer.customer_id and not customer.is_intercompany
    inner join {{ ref('iso_currency') }} as iso on summary.currency = iso.currency
)

select
    primary_account.connection,
    balances.legal_entity_id || ':' || coalesce(balances.erp_customer_number, balances.customer_id) || ':' || balances.currency as external_id,
    primary_account.account_id,
    balances.customer_id,
    balances.legal_entity_id,
    balances.minor_unit,
    balances.legal_entity_name as legal_entity,
    balances.currency,
    balances.erp_customer_number as erp_customer_id,
    balances.open_balance_amount as open_balance,
    balances.overdue_balance_amount as overdue_balance,
    balances.current_amount,
    balances.days_1_30_amount as days_1_30,
    balances.days_31_60_amount as days_31_60,
    balances.days_61_90_amount as days_61_90,
    balances.days_91_plus_amount as days_91_plus,
    balances.unapplied_amount as unapplied,
    balances.disputed_amount as disputed,
    balances.credit_limit_amount as credit_limit,
    balances.credit_available_amount as credit_available,
    balances.is_over_limit as over_limit,
    balances.is_on_credit_hold as credit_hold,
    balances.payment_terms,
    balances.oldest_due_date,
    balances.as_of_date
from balances
inner join {{ ref('int_customer__primary_account') }} as primary_account
    on balances.customer_id = primary_account.customer_id
inner join {{ ref('stg_arsync__connection') }} as connection
    on primary_account.connection = connection.connection
    and connection.role = 'crm'
    and connection.vendor = 'salesforce'
