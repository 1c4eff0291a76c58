select
    check_name || '|' || finding || '|' || connection || '|' || coalesce(currency, '') as backlog_id,
    check_name,
    finding,
    connection,
    currency,
    owner,
    count(*) as customers,
    cast(sum(abs(coalesce(amount, 0))) as {{ type_total() }}) as amount,
    min(first_seen_at) as oldest_first_seen_at
from {{ ref('recon_finding') }}
where closed_at is null and check_name in ('recon_customer_presence', 'recon_customer_attributes')
group by check_name, finding, connection, currency, owner
