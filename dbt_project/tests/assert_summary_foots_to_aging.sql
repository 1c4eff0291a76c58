{{ config(meta={'dagster': {'ref': {'name': 'ar_customer_summary'}}}) }}
-- the summary adds up to the open items, per legal entity and currency: no roll-up adds two currencies
with summary as (
    select
        legal_entity_id,
        currency,
        sum(open_balance_amount + intercompany_amount) as open_balance,
        sum(
            current_amount + days_1_30_amount + days_31_60_amount + days_61_90_amount + days_91_plus_amount
            + unapplied_amount + intercompany_amount
        ) as parts
    from {{ ref('ar_customer_summary') }}
    group by legal_entity_id, currency
)

select recon.legal_entity_id, recon.currency, recon.aging_total, summary.open_balance, summary.parts
from {{ ref('recon_gl_control') }} as recon
left join summary on recon.legal_entity_id = summary.legal_entity_id and recon.currency = summary.currency
where recon.basis = 'document'
    and (recon.aging_total <> coalesce(summary.open_balance, 0) or recon.aging_total <> coalesce(summary.parts, 0))
