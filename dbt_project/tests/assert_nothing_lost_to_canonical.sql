{{ config(meta={'dagster': {'ref': {'name': 'recon_counts'}}}) }}
-- depends_on: {{ ref('recon_finding') }} (written first, so that the finding stands beside the failed test)
-- every current raw document is a canonical one and in the ledger, count and control total
select *
from {{ ref('recon_counts') }}
where step in ('raw to canonical', 'canonical to ledger') and (difference <> 0 or amount_difference <> 0)
