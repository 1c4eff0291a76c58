with compared as (
    select
        desired.connection,
        desired.account_id,
        desired.customer_id,
        case
            when not desired.is_shown then 'extra'
            when account.shown_open_balance is null then 'missing'
            when account.shown_as_of_date < desired.as_of_date then 'stale'
            else 'different'
        end as finding,
        desired.open_balance as erp_open_balance,
        account.shown_open_balance as crm_open_balance,
        desired.currency as erp_currency,
        account.shown_currency as crm_currency,
        -- one currency is never taken from another: then all of the ERP's balance is shown wrongly, or, where it says
        -- that nothing is owed, all that the CRM shows
        desired.currency is distinct from account.shown_currency as is_other_currency,
        coalesce(desired.open_balance, 0) <> 0 as is_owed
    from {{ ref('int_salesforce__account_desired') }} as desired
    inner join {{ ref('stg_salesforce__account') }} as account
        on desired.connection = account.connection and desired.account_id = account.account_id
    where desired.open_balance is distinct from account.shown_open_balance
        or desired.currency is distinct from account.shown_currency
)

select
    connection || ':' || account_id as finding_id,
    finding,
    connection,
    account_id as business_key,
    customer_id,
    erp_open_balance,
    crm_open_balance,
    abs(
        case
            when not is_other_currency then coalesce(erp_open_balance, 0) - coalesce(crm_open_balance, 0)
            when is_owed then erp_open_balance
            else coalesce(crm_open_balance, 0)
        end
    ) as amount,
    case
        when is_other_currency and not is_owed and crm_open_balance <> 0 then coalesce(crm_currency, erp_currency)
        else coalesce(erp_currency, crm_currency)
    end as currency,
    'accounts_receivable' as owner,
    true as is_repairable
from compared
