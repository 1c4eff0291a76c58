with erp as (
    select record_key, connection, number, tax_key, is_deleted
    from {{ ref('int_customer_record') }}
    where record_type = 'erp_customer'
),

erp_names as (
    select erp.*, number as name, false as is_qualified from erp
    union all
    select erp.*, connection || ':' || number as name, true as is_qualified from erp
),

candidates as (
    select
        record.record_key,
        erp_names.record_key as erp_record_key,
        erp_names.is_qualified,
        coalesce(record.tax_key = erp_names.tax_key, false) as has_same_tax_key,
        erp_names.is_deleted
    from {{ ref('int_customer_record') }} as record
    inner join erp_names on record.reference_number = erp_names.name
    where record.record_type <> 'erp_customer'
),

ranked as (
    select
        candidates.*,
        dense_rank() over (
            partition by record_key
            order by
                case when is_deleted then 1 else 0 end,
                case when is_qualified then 0 else 1 end,
                case when has_same_tax_key then 0 else 1 end
        ) as preference
    from candidates
)

select
    record_key,
    case when count(*) = 1 then min(erp_record_key) end as erp_record_key,
    count(*) > 1 as is_ambiguous
from ranked
where preference = 1
group by record_key
