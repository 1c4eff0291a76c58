{%- set inputs = [
    ['int_netsuite__document', 'document_id'],
    ['stg_netsuite__transaction_link', 'previous_document_id'],
    ['stg_netsuite__transaction_link', 'next_document_id'],
    ['int_files__document', 'document_id'],
    ['int_tryton__document', 'document_id'],
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_changed(['debit_document_id', 'credit_document_id'], " ~ inputs ~ ") }}",
    post_hook=["{{ drop_seen() }}", "{{ write_seen(" ~ inputs ~ ") }}"]
) }}

with changed as ({{ changed_keys(inputs) }}),

links as (
    select *
    from {{ ref('stg_netsuite__transaction_link') }}
    where not is_deleted and link_type = 'Payment'
    {% if is_incremental() %}
    and (
        previous_document_id in (select changed_key from changed)
        or next_document_id in (select changed_key from changed)
    )
    {% endif %}
),

linked as (
    select
        links.transaction_link_id as application_id,
        links.connection,
        case
            when next_document.document_type = 'payment' then 'payment'
            when next_document.document_type = 'credit_memo' then 'credit_memo'
            when next_document.document_type = 'refund' then 'refund'
            when next_document.is_reversal then 'void'
            else 'write_off'
        end as application_type,
        case
            when previous_document.document_type = 'invoice' then previous_document.document_id else next_document.document_id
        end as debit_document_id,
        case
            when previous_document.document_type = 'invoice' then next_document.document_id else previous_document.document_id
        end as credit_document_id,
        previous_document.source_customer_id,
        previous_document.legal_entity_id,
        previous_document.currency,
        greatest(previous_document.document_date, next_document.document_date) as application_date,
        abs(links.amount) as amount,
        greatest(links._loaded_at, previous_document.known_at, next_document.known_at) as known_at
    from links
    inner join {{ ref('int_netsuite__document') }} as previous_document
        on links.previous_document_id = previous_document.document_id and not previous_document.is_deleted
    inner join {{ ref('int_netsuite__document') }} as next_document
        on links.next_document_id = next_document.document_id and not next_document.is_deleted

    union all

    select
        application.application_id,
        application.connection,
        'payment' as application_type,
        application.invoice_document_id as debit_document_id,
        application.payment_document_id as credit_document_id,
        invoice.source_customer_id,
        invoice.legal_entity_id,
        invoice.currency,
        application.application_date,
        application.amount,
        application.known_at
    from {{ ref('int_files__application') }} as application
    inner join {{ ref('int_files__document') }} as invoice
        on application.invoice_document_id = invoice.document_id
    {% if is_incremental() %}
    where application.invoice_document_id in (select changed_key from changed)
        or application.payment_document_id in (select changed_key from changed)
    {% endif %}

    union all

    select
        application_id,
        connection,
        application_type,
        debit_document_id,
        credit_document_id,
        source_customer_id,
        legal_entity_id,
        currency,
        application_date,
        amount,
        known_at
    from {{ ref('int_tryton__application') }}
    {% if is_incremental() %}
    where debit_document_id in (select changed_key from changed)
        or credit_document_id in (select changed_key from changed)
    {% endif %}
)

select
    linked.application_id,
    linked.connection,
    linked.application_type,
    linked.debit_document_id,
    linked.credit_document_id,
    linked.source_customer_id,
    linked.legal_entity_id,
    linked.currency,
    linked.application_date,
    cast({{ round_money('linked.amount', 'iso.minor_unit') }} as {{ type_money() }}) as amount,
    linked.known_at
from linked
inner join {{ ref('iso_currency') }} as iso on linked.currency = iso.currency
