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
    full_refresh=false,
    post_hook=["{{ drop_seen() }}", "{{ write_seen(" ~ inputs ~ ") }}"]
) }}

with changed as ({{ changed_keys(inputs) }}),

applications as (
    select *
    from {{ ref('fct_payment_application') }}
    {% if is_incremental() %}
    where debit_document_id in (select changed_key from changed)
        or credit_document_id in (select changed_key from changed)
    {% endif %}
),

{% if is_incremental() %}
-- what the ledger says of the documents concerned
recorded as (
    select
        event_key,
        business_date,
        min(document_id) as document_id,
        min(counter_document_id) as counter_document_id,
        min(case when correction_number = 0 then event_type end) as event_type,
        min(currency) as currency,
        min(legal_entity_id) as legal_entity_id,
        min(source_customer_id) as source_customer_id,
        sum(amount) as amount,
        max(correction_number) as correction_number
    from {{ this }}
    where document_id in (select changed_key from changed)
        or counter_document_id in (select changed_key from changed)
    group by event_key, business_date
),

concerned as (
    select changed_key as document_id from changed
    union
    select debit_document_id from applications
    union
    select credit_document_id from applications
    union
    select document_id from recorded
),
{% endif %}

documents as (
    select
        document_id, currency, legal_entity_id, source_customer_id, document_date, amount, is_voided, voided_fallback_date,
        known_at
    from {{ ref('int_receivable_document') }}
    {% if is_incremental() %}where document_id in (select document_id from concerned){% endif %}
),

voided_by_application as (
    select debit_document_id as document_id from applications where application_type = 'void'
    union
    select credit_document_id as document_id from applications where application_type = 'void'
),

-- what the sources say of them now
current_events as (
    select
        'posted:' || document_id as event_key,
        document_id,
        cast(null as {{ dbt.type_string() }}) as counter_document_id,
        'posted' as event_type,
        document_date as business_date,
        amount,
        known_at
    from documents
    {% if is_incremental() %}where document_id in (select changed_key from changed){% endif %}

    union all

    select
        'voided:' || document_id as event_key,
        document_id,
        cast(null as {{ dbt.type_string() }}) as counter_document_id,
        'voided' as event_type,
        voided_fallback_date as business_date,
        -amount as amount,
        known_at
    from documents
    where is_voided and document_id not in (select document_id from voided_by_application)
    {% if is_incremental() %}and document_id in (select changed_key from changed){% endif %}

    union all

    select
        'debit:' || application_id as event_key,
        debit_document_id as document_id,
        credit_document_id as counter_document_id,
        case application_type when 'void' then 'voided' when 'write_off' then 'written_off' else 'applied' end as event_type,
        application_date as business_date,
        -amount as amount,
        known_at
    from applications

    union all

    select
        'credit:' || application_id as event_key,
        credit_document_id as document_id,
        debit_document_id as counter_document_id,
        case application_type when 'refund' then 'refunded' else 'applied' end as event_type,
        application_date as business_date,
        amount,
        known_at
    from applications
),

movements as (
    {% if is_incremental() %}
    select
        coalesce(current_events.event_key, recorded.event_key) as event_key,
        coalesce(current_events.document_id, recorded.document_id) as document_id,
        coalesce(current_events.counter_document_id, recorded.counter_document_id) as counter_document_id,
        case
            when recorded.event_key is null or (recorded.amount = 0 and current_events.event_key is not null)
                then current_events.event_type
            when recorded.event_type = 'applied' and current_events.event_key is null then 'unapplied'
            else 'reversed'
        end as event_type,
        coalesce(current_events.business_date, recorded.business_date) as business_date,
        coalesce(current_events.amount, 0) - coalesce(recorded.amount, 0) as amount,
        recorded.currency,
        recorded.legal_entity_id,
        recorded.source_customer_id,
        current_events.known_at,
        coalesce(recorded.correction_number + 1, 0) as correction_number
    from current_events
    full outer join recorded
        on current_events.event_key = recorded.event_key and current_events.business_date = recorded.business_date
    {% else %}
    select event_key, document_id, counter_document_id, event_type, business_date, amount, known_at, 0 as correction_number
    from current_events
    {% endif %}
)

select
    movements.event_key || ':' || cast(movements.business_date as {{ dbt.type_string() }})
    || ':' || cast(movements.correction_number as {{ dbt.type_string() }}) as event_id,
    movements.event_key,
    movements.document_id,
    movements.counter_document_id,
    movements.event_type,
    movements.business_date,
    cast(movements.amount as {{ type_money() }}) as amount,
    {% if is_incremental() %}
    coalesce(documents.currency, movements.currency) as currency,
    coalesce(documents.legal_entity_id, movements.legal_entity_id) as legal_entity_id,
    coalesce(documents.source_customer_id, movements.source_customer_id) as source_customer_id,
    {% else %}
    documents.currency,
    documents.legal_entity_id,
    documents.source_customer_id,
    {% endif %}
    coalesce(movements.known_at, cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)) as known_at,
    movements.correction_number
from movements
{% if is_incremental() %}left{% else %}inner{% endif %} join documents on movements.document_id = documents.document_id
where movements.amount <> 0
