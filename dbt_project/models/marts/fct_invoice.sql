{%- set settings = [['dim_legal_entity', ['legal_entity_id', 'as_of_date']]] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='invoice_id',
    on_schema_change='fail',
    pre_hook="{{ forget_gone_documents('invoice_id', 'invoice_date') }}",
    post_hook="{{ write_seen(document_inputs(), " ~ settings ~ ", true) }}"
) }}

with open_items as (
    select
        document_id,
        sum(open_amount) as open_amount,
        max(case when days_past_due >= 1 and open_amount > 0 then 1 else 0 end) = 1 as is_overdue,
        -- of what is open the oldest: in the highest bucket, whose number is one digit
        substring(max(case when open_amount > 0 then cast(bucket_number + 1 as {{ dbt.type_string() }}) || bucket end), 2) as bucket
    from {{ ref('fct_ar_aging') }}
    where item_type = 'invoice'
    group by document_id
),

dunned as (
    select level.invoice_id, level.dunning_level
    from {{ ref('int_invoice__dunning_level') }} as level
    inner join open_items on level.invoice_id = open_items.document_id and open_items.open_amount > 0
),

{% if is_incremental() %}
-- what changed at its source, what time moved or brought, and what belongs to another customer now
touched as (
    {{ changed_keys(document_inputs()) }}

    union

    -- a payment with another date leaves the balance and changes when the invoice was paid
    select application.debit_document_id as changed_key
    from {{ ref('fct_payment_application') }} as application
    where application.credit_document_id in ({{ changed_keys(document_inputs()) }})

    union

    select coalesce(open_items.document_id, held.invoice_id) as changed_key
    from open_items
    full outer join (select * from {{ this }} where open_amount <> 0) as held
        on open_items.document_id = held.invoice_id
    where open_items.open_amount is distinct from held.open_amount
        or open_items.is_overdue is distinct from held.is_overdue
        or open_items.bucket is distinct from held.aging_bucket

    union

    select coalesce(dunned.invoice_id, held.invoice_id) as changed_key
    from dunned
    full outer join (select * from {{ this }} where dunning_level is not null) as held
        on dunned.invoice_id = held.invoice_id
    where dunned.dunning_level is distinct from held.dunning_level
    {% if not rows_stand(owners(), 'owners') %}
    union

    select held.invoice_id as changed_key
    from {{ this }} as held
    left join {{ ref('int_customer_record__clustered') }} as customer on held.source_customer_id = customer.record_key
    where held.customer_id is distinct from coalesce(customer.customer_id, held.source_customer_id)
    {% endif %}
    {% if not rows_stand(settings) %}
    union

    select document.document_id as changed_key
    from {{ ref('int_receivable_document') }} as document
    inner join {{ ref('dim_legal_entity') }} as entity
        on document.legal_entity_id = entity.legal_entity_id and document.document_date <= entity.as_of_date
    left join {{ this }} as held on document.document_id = held.invoice_id
    where document.document_type = 'invoice' and held.invoice_id is null
    {% endif %}
),
{% endif %}

-- the condition takes no key away: with one the engine looks for the keys while it reads (see changed_keys)
concerned as (
    select * from {{ ref('int_receivable_document') }}
    where document_type = 'invoice'
        {% if is_incremental() %}and document_id in (select changed_key from touched where changed_key <> ''){% endif %}
),

documents as (
    select
        document.*,
        coalesce(customer.customer_id, document.source_customer_id) as customer_id,
        entity.as_of_date
    from concerned as document
    inner join {{ ref('dim_legal_entity') }} as entity on document.legal_entity_id = entity.legal_entity_id
    left join {{ ref('int_customer_record__clustered') }} as customer
        on document.source_customer_id = customer.record_key
    where document.document_date <= entity.as_of_date
),

settlements as (
    select
        application.debit_document_id as document_id,
        max(application.application_date) as last_application_date,
        min(case when application.application_type = 'void' then application.application_date end) as void_date,
        sum(case when application.application_type = 'write_off' then application.amount else 0 end) as written_off_amount
    from {{ ref('fct_payment_application') }} as application
    inner join {{ ref('dim_legal_entity') }} as entity
        on application.legal_entity_id = entity.legal_entity_id
        and application.application_date <= entity.as_of_date
    {% if is_incremental() %}where application.debit_document_id in (select changed_key from touched where changed_key <> ''){% endif %}
    group by application.debit_document_id
),

invoices as (
    select
        documents.*,
        coalesce(open_items.open_amount, 0) as open_amount,
        coalesce(open_items.is_overdue, false) as is_overdue,
        open_items.bucket,
        dunned.dunning_level,
        settlements.last_application_date,
        coalesce(
            settlements.void_date,
            case
                when documents.voided_fallback_date <= documents.as_of_date then documents.voided_fallback_date
            end
        ) as void_date,
        coalesce(settlements.written_off_amount, 0) as written_off_amount
    from documents
    left join open_items on documents.document_id = open_items.document_id
    left join dunned on documents.document_id = dunned.invoice_id
    left join settlements on documents.document_id = settlements.document_id
)

select
    document_id as invoice_id,
    connection,
    source_id,
    number,
    customer_id,
    source_customer_id,
    legal_entity_id,
    payment_terms_id,
    document_date as invoice_date,
    coalesce(due_date, document_date) as due_date,
    currency,
    amount as total_amount,
    functional_currency,
    cast(functional_amount as {{ type_money() }}) as functional_amount,
    cast(open_amount as {{ type_money() }}) as open_amount,
    case
        when void_date is not null then 'void'
        when open_amount = 0 and written_off_amount > 0 then 'written_off'
        when open_amount = 0 then 'paid'
        when disputed_amount > 0 then 'disputed'
        when is_overdue then 'overdue'
        when open_amount > 0 and open_amount < amount then 'partially_paid'
        else 'open'
    end as status,
    is_overdue,
    bucket as aging_bucket,
    dunning_level,
    dispute_reason,
    disputed_amount,
    cast(greatest(least(disputed_amount, open_amount), 0) as {{ type_money() }}) as disputed_open_amount,
    cast(written_off_amount as {{ type_money() }}) as written_off_amount,
    void_date,
    last_application_date,
    known_at,
    {{ run_seq() }} as _seq
from invoices
