select
    desired.connection || ':' || desired.account_id as finding_id,
    case
        when not desired.is_shown then 'extra'
        when account.shown_open_balance is null then 'missing'
        when account.shown_as_of_date < desired.as_of_date then 'stale'
        else 'different'
    end as finding,
    desired.connection,
    desired.account_id as business_key,
    desired.customer_id,
    desired.open_balance as erp_open_balance,
    account.shown_open_balance as crm_open_balance,
    abs(coalesce(desired.open_balance, 0) - coalesce(account.shown_open_balance, 0)) as amount,
    coalesce(desired.currency, account.shown_currency) as currency,
    'accounts_receivable' as owner,
    true as is_repairable
from {{ ref('int_salesforce__account_desired') }} as desired
inner join {{ ref('stg_salesforce__account') }} as account
    on desired.connection = account.connection and desired.account_id = account.account_id
where desired.open_balance is distinct from account.shown_open_balance
    or desired.currency is distinct from account.shown_currency
