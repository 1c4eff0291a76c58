with members as (
    select
        record.*,
        row_number() over (
            partition by customer_id
            order by case record_type when 'erp_customer' then 0 when 'crm_account' then 1 else 2 end, first_seq
        ) as preference
    from {{ ref('int_customer_record__clustered') }} as record
    where not is_deleted
),

counted as (
    select
        customer_id,
        sum(case when record_type = 'erp_customer' then 1 else 0 end) as erp_customer_count,
        sum(case when record_type = 'crm_account' then 1 else 0 end) as crm_account_count,
        sum(case when record_type = 'processor_customer' then 1 else 0 end) as processor_customer_count,
        min(case when record_type = 'erp_customer' then number end) as erp_customer_number,
        case
            when count(distinct case when record_type = 'erp_customer' then currency end) = 1
                then min(case when record_type = 'erp_customer' then currency end)
        end as erp_currency,
        sum(case when record_type = 'erp_customer' and intercompany.source_customer_id is null then 1 else 0 end) as trade_customer_count,
        min(tax_key) as tax_key,
        min(first_loaded_at) as first_loaded_at
    from members
    left join {{ ref('int_intercompany_customer') }} as intercompany on members.record_key = intercompany.source_customer_id
    group by customer_id
)

select
    members.customer_id,
    members.name,
    members.country,
    counted.tax_key,
    counted.erp_customer_number,
    coalesce(counted.erp_currency, policy.reporting_currency) as currency,
    cast(counted.erp_customer_count as integer) as erp_customer_count,
    cast(counted.crm_account_count as integer) as crm_account_count,
    cast(counted.processor_customer_count as integer) as processor_customer_count,
    counted.first_loaded_at,
    counted.erp_customer_count > 0 and counted.trade_customer_count = 0 as is_intercompany
from members
inner join counted on members.customer_id = counted.customer_id
cross join {{ ref('stg_arsync__policy') }} as policy
where members.preference = 1
