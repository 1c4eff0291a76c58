select
    record.record_key as source_customer_id,
    record.customer_id,
    record.connection,
    record.source_id,
    record.record_type,
    case record.record_type
        when 'crm_account' then 'sold_to'
        when 'erp_customer' then 'bill_to'
        else 'payer'
    end as role,
    record.number,
    record.name,
    record.match_method,
    cast(
        case record.match_method when 'tax_registration' then 0.99 when 'processor_metadata' then 0.99 else 1 end
        as decimal(4, 3)
    ) as confidence,
    account.account_id is not null as is_primary_account,
    record.is_deleted,
    record.first_loaded_at as valid_from
from {{ ref('int_customer_record__clustered') }} as record
left join {{ ref('int_customer__primary_account') }} as account
    on record.record_key = account.connection || ':' || account.account_id
