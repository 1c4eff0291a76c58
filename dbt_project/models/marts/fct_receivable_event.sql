-- depends_on: {{ ref('iso_currency') }}
{%- set inputs = [
    ['int_netsuite__document', 'document_id'],
    ['stg_netsuite__transaction_link', 'previous_document_id'],
    ['stg_netsuite__transaction_link', 'next_document_id'],
    ['int_netsuite__write_off', 'document_id'],
    ['int_files__document', 'document_id'],
    ['int_tryton__document', 'document_id'],
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    full_refresh=false,
    pre_hook=["{{ take_in_functional_amounts() }}", "{{ keep_changed(" ~ inputs ~ ") }}"],
    post_hook=["{{ write_seen(" ~ inputs ~ ") }}", "{{ write_run() }}"]
) }}

{%- set changed -%}
{{ changed_keys(inputs) }}
{%- if lacks_functional_amounts() %}
union
select document_id as changed_key from {{ ref('int_receivable_document') }} where currency <> functional_currency
{%- endif -%}
{%- endset %}

with applications as (
    {%- if is_incremental() %}
    select *
    from {{ ref('fct_payment_application') }}
    where debit_document_id in ({{ changed }})
    union all
    select *
    from {{ ref('fct_payment_application') }}
    where credit_document_id in ({{ changed }}) and debit_document_id not in ({{ changed }})
    {%- else %}
    select * from {{ ref('fct_payment_application') }}
    {%- endif %}
),

{% if is_incremental() %}
-- what the ledger says of the documents concerned, and what of it stands
recorded_of_changed as (
    select *
    from {{ this }}
    where document_id in ({{ changed }})
    union all
    select *
    from {{ this }}
    where counter_document_id in ({{ changed }}) and document_id not in ({{ changed }})
),

concerned as (
    select changed_key as document_id from ({{ changed }}) as changed
    union
    select debit_document_id from applications
    union
    select credit_document_id from applications
    union
    select document_id from recorded_of_changed
),
{% endif %}

documents as (
    select
        document_id, document_type, external_id, currency, legal_entity_id, source_customer_id, document_date, amount,
        functional_currency, functional_amount, is_voided, voided_fallback_date, known_at,
        is_rounded_when_settled and currency <> functional_currency as is_rounded
    from {{ ref('int_receivable_document') }}
    {% if is_incremental() %}where document_id in (select document_id from concerned){% endif %}
),

{% if is_incremental() %}
recorded as (
    select * from recorded_of_changed

    union all

    -- what rounding left of a document that something of another's settles
    select *
    from {{ this }}
    where event_key in (select 'rounding:' || document_id from documents where is_rounded)
        and document_id not in ({{ changed }})
),

-- a line says what it is and against what until the next one of its key says otherwise
latest as (
    select event_key, document_id, business_date, event_type, counter_document_id
    from (
        select
            recorded.*,
            row_number() over (
                partition by event_key, document_id, business_date order by correction_number desc
            ) as recency
        from recorded
        where event_type not in ('unapplied', 'reversed')
    ) as said_before
    where recency = 1
),

standing as (
    select
        event_key,
        document_id,
        business_date,
        currency,
        legal_entity_id,
        source_customer_id,
        latest.event_type,
        latest.counter_document_id,
        functional_currency,
        sum(recorded.amount) as amount,
        sum(recorded.functional_amount) as functional_amount
    from recorded
    inner join latest using (event_key, document_id, business_date)
    group by
        event_key, document_id, business_date, currency, legal_entity_id, source_customer_id, latest.event_type,
        latest.counter_document_id, functional_currency
    having sum(recorded.amount) <> 0 or sum(recorded.functional_amount) <> 0
),

runs as (select {{ last_run('(select max(known_at) from ' ~ this ~ ')') }} as last_run),
{% endif %}

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
        case
            when amount = 0 then 'revalued'
            when document_type = 'journal' and amount > 0 and {{ is_dispute('external_id') }} then 'charged_back'
            else 'posted'
        end as event_type,
        document_date as business_date,
        amount,
        functional_amount,
        known_at
    from documents
    {% if is_incremental() %}where document_id in ({{ changed }}){% endif %}

    union all

    select
        'voided:' || document_id as event_key,
        document_id,
        cast(null as {{ dbt.type_string() }}) as counter_document_id,
        'voided' as event_type,
        voided_fallback_date as business_date,
        -amount as amount,
        -functional_amount as functional_amount,
        known_at
    from documents
    where is_voided and document_id not in (select document_id from voided_by_application)
    {% if is_incremental() %}and document_id in ({{ changed }}){% endif %}

    union all

    select
        'debit:' || application_id as event_key,
        debit_document_id as document_id,
        credit_document_id as counter_document_id,
        case application_type
            when 'void' then 'voided'
            when 'write_off' then 'written_off'
            when 'discount' then 'discount_taken'
            when 'recovery' then 'recovered'
            else 'applied'
        end as event_type,
        application_date as business_date,
        -amount as amount,
        -functional_amount as functional_amount,
        known_at
    from applications

    union all

    select
        'credit:' || application_id as event_key,
        credit_document_id as document_id,
        debit_document_id as counter_document_id,
        case application_type when 'refund' then 'refunded' when 'chargeback' then 'charged_back' else 'applied' end as event_type,
        application_date as business_date,
        amount,
        functional_amount,
        known_at
    from applications
    where application_type <> 'discount'

    union all

    -- settled at another rate than it was posted at
    select
        'difference:' || application_id as event_key,
        debit_document_id as document_id,
        credit_document_id as counter_document_id,
        'exchange_difference' as event_type,
        exchange_difference_date as business_date,
        0 as amount,
        exchange_difference_amount as functional_amount,
        known_at
    from applications
    where exchange_difference_amount <> 0
),

voided_rounded as (
    select document_id
    from documents
    where is_rounded and is_voided
        and document_id not in (
            select debit_document_id from {{ ref('fct_payment_application') }} where application_type = 'void'
            union all
            select credit_document_id from {{ ref('fct_payment_application') }} where application_type = 'void'
        )
),

-- all that moves documents of another currency than their legal entity's: what is settled in the one is in the other
movements_of_rounded as (
    select document_id, document_date as business_date, amount, functional_amount, known_at
    from documents
    where is_rounded

    union all

    select document_id, voided_fallback_date, -amount, -functional_amount, known_at
    from documents
    where document_id in (select document_id from voided_rounded)

    union all

    select documents.document_id, exchange_difference_date, -application.amount,
        exchange_difference_amount - application.functional_amount, application.known_at
    from {{ ref('fct_payment_application') }} as application
    inner join documents on application.debit_document_id = documents.document_id and documents.is_rounded

    union all

    select documents.document_id, application.application_date, application.amount, application.functional_amount,
        application.known_at
    from {{ ref('fct_payment_application') }} as application
    inner join documents on application.credit_document_id = documents.document_id and documents.is_rounded
    where application.application_type <> 'discount'
),

current_with_rounding as (
    select * from current_events

    union all

    select
        'rounding:' || document_id as event_key,
        document_id,
        cast(null as {{ dbt.type_string() }}) as counter_document_id,
        'exchange_difference' as event_type,
        max(business_date) as business_date,
        0 as amount,
        -sum(functional_amount) as functional_amount,
        max(known_at) as known_at
    from movements_of_rounded
    group by document_id
    having sum(amount) = 0 and sum(functional_amount) <> 0 and count(*) > 1
),

said as (
    select
        current_with_rounding.*,
        documents.currency,
        documents.functional_currency,
        documents.legal_entity_id,
        documents.source_customer_id
    from current_with_rounding
    inner join documents on current_with_rounding.document_id = documents.document_id
    where current_with_rounding.amount <> 0 or current_with_rounding.functional_amount <> 0
),

{% if is_incremental() %}
-- what is said otherwise than it stands is taken back whole and said anew, both known at the same time
compared as (
    select
        said.event_key is null as is_taken_back,
        coalesce(said.event_key, standing.event_key) as event_key,
        coalesce(said.document_id, standing.document_id) as document_id,
        coalesce(said.counter_document_id, standing.counter_document_id) as counter_document_id,
        case
            when said.event_key is not null then said.event_type
            when standing.event_type in ('applied', 'recovered') then 'unapplied'
            else 'reversed'
        end as event_type,
        coalesce(said.business_date, standing.business_date) as business_date,
        coalesce(said.amount, -standing.amount) as amount,
        case when said.event_key is not null then said.functional_amount else -standing.functional_amount end as functional_amount,
        coalesce(said.currency, standing.currency) as currency,
        case when said.event_key is not null then said.functional_currency else standing.functional_currency end as functional_currency,
        coalesce(said.legal_entity_id, standing.legal_entity_id) as legal_entity_id,
        coalesce(said.source_customer_id, standing.source_customer_id) as source_customer_id
    from said
    full outer join standing
        on said.event_key = standing.event_key
        and said.event_type = standing.event_type
        and said.document_id = standing.document_id
        and coalesce(said.counter_document_id, '') = coalesce(standing.counter_document_id, '')
        and said.business_date = standing.business_date
        and said.currency = standing.currency
        and said.legal_entity_id = standing.legal_entity_id
        and coalesce(said.source_customer_id, '') = coalesce(standing.source_customer_id, '')
        and said.amount = standing.amount
        and said.functional_amount is not distinct from standing.functional_amount
        and said.functional_currency is not distinct from standing.functional_currency
    where said.event_key is null or standing.event_key is null
),

loads as (
    select event_key, max(known_at) as loaded_at from current_with_rounding group by event_key
),

numbered as (
    select event_key, max(correction_number) as last_number from recorded group by event_key
),

movements as (
    select
        compared.*,
        {{ learned_at('loads.loaded_at') }} as known_at,
        coalesce(numbered.last_number, -1) + row_number() over (
            partition by compared.event_key order by compared.is_taken_back desc, compared.business_date
        ) as correction_number
    from compared
    cross join runs
    left join loads on compared.event_key = loads.event_key
    left join numbered on compared.event_key = numbered.event_key
)
{% else %}
movements as (
    select said.*, 0 as correction_number from said
)
{% endif %}

select
    event_key || ':' || cast(business_date as {{ dbt.type_string() }})
    || ':' || cast(correction_number as {{ dbt.type_string() }}) as event_id,
    event_key,
    document_id,
    counter_document_id,
    event_type,
    business_date,
    cast(amount as {{ type_money() }}) as amount,
    currency,
    cast(functional_amount as {{ type_money() }}) as functional_amount,
    functional_currency,
    legal_entity_id,
    source_customer_id,
    known_at,
    cast(correction_number as integer) as correction_number
from movements
