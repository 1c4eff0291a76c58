{%- set inputs = item_inputs() -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_changed(['document_id'], " ~ inputs ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ") }}"
) }}

with documents as (
    select document.*, iso.minor_unit
    from {{ ref('int_receivable_document') }} as document
    inner join {{ ref('iso_currency') }} as iso on document.currency = iso.currency
    -- of a revaluation nothing ever falls due
    where document.document_type <> 'revaluation'
    {% if is_incremental() %}and document.document_id in ({{ changed_keys(inputs) }}){% endif %}
),

agreed as (
    select document_id, due_date, installment_id, amount
    from {{ ref('stg_netsuite__transaction_installment') }}
    where not is_deleted

    union all

    select document_id, due_date, source_id as installment_id, amount
    from {{ ref('int_tryton__ar_line') }}
    where document_type = 'invoice' and not is_rescheduled and not is_deleted
),

installments as (
    select
        agreed.document_id,
        agreed.due_date,
        cast({{ round_money('agreed.amount', 'documents.minor_unit') }} as {{ type_money() }}) as amount,
        row_number() over (
            partition by agreed.document_id order by agreed.due_date, length(agreed.installment_id), agreed.installment_id
        ) as item_number,
        count(*) over (partition by agreed.document_id) as item_count
    from agreed
    inner join documents on agreed.document_id = documents.document_id
    where documents.document_type = 'invoice'
)

select
    documents.document_id || ':' || cast(coalesce(installments.item_number, 1) as {{ dbt.type_string() }}) as item_id,
    documents.document_id,
    documents.connection,
    documents.document_type as item_type,
    cast(coalesce(installments.item_number, 1) as integer) as item_number,
    cast(coalesce(installments.item_count, 1) as integer) as item_count,
    documents.source_customer_id,
    documents.legal_entity_id,
    documents.currency,
    documents.document_date,
    coalesce(installments.due_date, documents.due_date, documents.document_date) as due_date,
    coalesce(installments.amount, documents.amount) as amount
from documents
left join installments on documents.document_id = installments.document_id
