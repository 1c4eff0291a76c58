{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='credit_memo_id',
    on_schema_change='fail',
    pre_hook="{{ forget_gone_documents('credit_memo_id') }}",
    post_hook="{{ write_seen(document_inputs(), with_owners=true) }}"
) }}

with {% if is_incremental() %}
-- what changed at its source or is new, what time moved, and what belongs to another customer now
touched as (
    {{ changed_keys(document_inputs()) }}

    union

    select held.credit_memo_id as changed_key
    from {{ this }} as held
    left join {{ ref('int_document_balance') }} as balance on held.credit_memo_id = balance.document_id
    where held.unapplied_amount is distinct from coalesce(-balance.open_amount, 0)
    {% if not rows_stand(owners(), 'owners') %}
    union

    select held.credit_memo_id as changed_key
    from {{ this }} as held
    left join {{ ref('int_customer_record__clustered') }} as customer on held.source_customer_id = customer.record_key
    where held.customer_id is distinct from coalesce(customer.customer_id, held.source_customer_id)
    {% endif %}
),
{% endif %}

concerned as (
    select * from {{ ref('int_receivable_document') }}
    where document_type = 'credit_memo'
        {% if is_incremental() %}and document_id in (select changed_key from touched){% endif %}
),

documents as (
    select
        document.*,
        coalesce(customer.customer_id, document.source_customer_id) as customer_id,
        coalesce(-balance.open_amount, 0) as unapplied_amount
    from concerned as document
    left join {{ ref('int_customer_record__clustered') }} as customer
        on document.source_customer_id = customer.record_key
    left join {{ ref('int_document_balance') }} as balance on document.document_id = balance.document_id
)

select
    documents.document_id as credit_memo_id,
    documents.connection,
    documents.number,
    documents.customer_id,
    documents.source_customer_id,
    documents.legal_entity_id,
    documents.document_date as credit_memo_date,
    documents.currency,
    cast(-documents.amount as {{ type_money() }}) as amount,
    cast(documents.unapplied_amount as {{ type_money() }}) as unapplied_amount,
    documents.known_at
from documents
