-- buckets and unapplied = sub-ledger = control account, to the cent, for every legal entity and currency
select * from {{ ref('recon_gl_control') }} where difference <> 0
