{{ config(materialized='view') }}

-- every live account: the primary account of a customer with receivables carries the figures, all others carry none
select
    account.connection,
    account.account_id,
    record.customer_id,
    total.customer_id is not null as is_shown,
    iso.minor_unit,
    case
        -- another of the customer's numbers went with a merged account: this one is all that ties the account to its own
        when own.customer_id = record.customer_id and inherited.customer_id is not null then account.erp_customer_id
        when total.customer_id is not null then total.erp_customer_number
        -- somebody's reference that leads nowhere yet, or to one of our own legal entities, is not ours to wipe out
        when referenced.erp_record_key is null or customer.is_intercompany then account.erp_customer_id
    end as erp_customer_id,
    total.open_balance_amount as open_balance,
    total.overdue_balance_amount as overdue_balance,
    total.current_amount,
    total.days_1_30_amount as days_1_30,
    total.days_31_60_amount as days_31_60,
    total.days_61_90_amount as days_61_90,
    total.days_91_plus_amount as days_91_plus,
    total.unapplied_amount as unapplied,
    total.disputed_amount as disputed,
    total.credit_limit_amount as credit_limit,
    total.credit_available_amount as credit_available,
    coalesce(total.is_over_limit, false) as over_limit,
    coalesce(total.is_on_credit_hold, false) as credit_hold,
    total.payment_terms,
    collections.collections_status,
    collections.promise_date,
    total.average_days_to_pay,
    total.last_payment_date,
    total.last_payment_amount,
    total.oldest_due_date,
    total.currency,
    total.as_of_date
from {{ ref('stg_salesforce__account') }} as account
inner join {{ ref('stg_arsync__connection') }} as connection
    on account.connection = connection.connection
    and connection.role = 'crm'
    and connection.vendor = 'salesforce'
inner join {{ ref('int_customer_record__clustered') }} as record
    on account.connection || ':' || account.account_id = record.record_key
left join {{ ref('int_customer_record__referenced') }} as referenced
    on record.record_key = referenced.record_key
left join {{ ref('int_customer_record__clustered') }} as own on referenced.erp_record_key = own.record_key
left join (
    select distinct customer_id from {{ ref('int_customer_record__clustered') }}
    where match_method = 'merge' and erp_record_key is not null
) as inherited on record.customer_id = inherited.customer_id
left join {{ ref('int_customer__primary_account') }} as primary_account
    on account.connection = primary_account.connection and account.account_id = primary_account.account_id
left join {{ ref('dim_customer') }} as customer on primary_account.customer_id = customer.customer_id
-- one equality: a condition on the left side beside it would have every pair of rows compared
left join {{ ref('ar_customer_rollup') }} as total
    on case when not customer.is_intercompany then customer.customer_id end = total.customer_id
left join {{ ref('ar_customer_collections') }} as collections on total.customer_id = collections.customer_id
left join {{ ref('iso_currency') }} as iso on total.currency = iso.currency
where not account.is_deleted
