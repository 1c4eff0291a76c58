{%- set inputs = [
    ['int_netsuite__document', 'document_id'],
    ['stg_netsuite__transaction_link', 'previous_document_id'],
    ['stg_netsuite__transaction_link', 'next_document_id'],
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_changed(['document_id', 'journal_document_id'], " ~ inputs ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ") }}"
) }}

with links as (
    select *
    from {{ ref('stg_netsuite__transaction_link') }}
    where link_type = 'Payment'
        {% if is_incremental() %}
        and (
            previous_document_id in ({{ changed_keys(inputs) }})
            or next_document_id in ({{ changed_keys(inputs) }})
        )
        {% endif %}
)

-- links that are gone stay, without a date: what they told of the invoice's other applications is to be told anew
select
    link.transaction_link_id,
    link.previous_document_id as document_id,
    link.next_document_id as journal_document_id,
    case
        when not link.is_deleted and not invoice.is_deleted and not journal.is_deleted and not journal.is_reversal
            then greatest(invoice.document_date, journal.document_date)
    end as write_off_date,
    {{ run_seq() }} as _seq
from links as link
inner join {{ ref('int_netsuite__document') }} as invoice
    on link.previous_document_id = invoice.document_id and invoice.document_type = 'invoice'
inner join {{ ref('int_netsuite__document') }} as journal
    on link.next_document_id = journal.document_id and journal.document_type = 'journal'
