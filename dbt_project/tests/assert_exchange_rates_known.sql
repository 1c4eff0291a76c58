{{ config(meta={'dagster': {'ref': {'name': 'ar_customer_summary'}}}) }}
-- every currency that has to be converted has a rate at the as-of date
select distinct summary.customer_id, summary.currency, customer.currency as customer_currency
from {{ ref('ar_customer_summary') }} as summary
inner join {{ ref('dim_customer') }} as customer on summary.customer_id = customer.customer_id
left join {{ ref('int_reporting_rate') }} as from_rate on summary.currency = from_rate.currency
left join {{ ref('int_reporting_rate') }} as to_rate on customer.currency = to_rate.currency
where summary.currency <> customer.currency and (from_rate.rate is null or to_rate.rate is null)
