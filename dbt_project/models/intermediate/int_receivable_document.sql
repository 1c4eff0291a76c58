{{ config(materialized='view') }}

-- without an amount: in a currency that nobody knows the digits of; recon_document tells
{% set columns = [
    'document_id', 'connection', 'source_id', 'document_type', 'number', 'source_customer_id', 'legal_entity_id',
    'document_date', 'due_date', 'currency', 'amount', 'functional_currency', 'functional_amount', 'exchange_rate', 'payment_terms_id', 'is_voided', 'is_reversal',
    'voided_fallback_date', 'dispute_reason', 'disputed_amount', 'external_id', 'memo', '_seq', 'known_at'
] | join(', ') %}
select {{ columns }}, true as is_rounded_when_settled from {{ ref('int_netsuite__document') }} where not is_deleted and amount is not null
union all
select {{ columns }}, false as is_rounded_when_settled from {{ ref('int_files__document') }} where not is_deleted and amount is not null
union all
select {{ columns }}, false as is_rounded_when_settled from {{ ref('int_tryton__document') }} where not is_deleted and amount is not null
