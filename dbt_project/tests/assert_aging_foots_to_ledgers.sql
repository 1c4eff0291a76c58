{{ config(meta={'dagster': {'ref': {'name': 'recon_gl_control'}}}) }}
-- depends_on: {{ ref('recon_finding') }} (written first, so that the finding stands beside the failed test)
-- buckets and unapplied = sub-ledger = control account, to the cent, for every legal entity and currency
-- in functional currency a difference is a finding: it touches no figure that is pushed
select * from {{ ref('recon_gl_control') }} where basis = 'document' and difference <> 0
