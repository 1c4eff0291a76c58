with open_items as (
    select
        document_id,
        sum(open_amount) as open_amount,
        max(case when days_past_due >= 1 and open_amount > 0 then 1 else 0 end) = 1 as is_overdue
    from {{ ref('fct_ar_aging') }}
    where item_type = 'invoice'
    group by document_id
),

oldest as (
    select document_id, bucket
    from (
        select
            document_id,
            bucket,
            row_number() over (partition by document_id order by due_date, item_number) as position
        from {{ ref('fct_ar_aging') }}
        where item_type = 'invoice' and open_amount > 0
    ) as ranked
    where position = 1
),

invoices as (
    select
        document.document_id as invoice_id,
        document.connection,
        document.source_id,
        document.number,
        coalesce(customer.customer_id, document.source_customer_id) as customer_id,
        document.source_customer_id,
        document.legal_entity_id,
        document.document_date as invoice_date,
        document.due_date,
        document.currency,
        document.amount as total_amount,
        document.exchange_rate,
        entity.functional_currency,
        iso.minor_unit as functional_minor_unit,
        document.payment_terms_id,
        document.dispute_reason,
        document.disputed_amount,
        entity.as_of_date,
        coalesce(open_items.open_amount, 0) as open_amount,
        coalesce(open_items.is_overdue, false) as is_overdue,
        oldest.bucket,
        settlement.last_application_date,
        coalesce(
            settlement.void_date,
            case
                when document.voided_fallback_date <= entity.as_of_date then document.voided_fallback_date
            end
        ) as void_date,
        coalesce(settlement.written_off_amount, 0) as written_off_amount,
        document.known_at
    from {{ ref('int_receivable_document') }} as document
    inner join {{ ref('dim_legal_entity') }} as entity on document.legal_entity_id = entity.legal_entity_id
    left join {{ ref('iso_currency') }} as iso on entity.functional_currency = iso.currency
    left join {{ ref('int_customer_record__clustered') }} as customer
        on document.source_customer_id = customer.record_key
    left join open_items on document.document_id = open_items.document_id
    left join oldest on document.document_id = oldest.document_id
    left join {{ ref('int_invoice_settlement') }} as settlement on document.document_id = settlement.document_id
    where document.document_type = 'invoice' and document.document_date <= entity.as_of_date
)

select
    invoice_id,
    connection,
    source_id,
    number,
    customer_id,
    source_customer_id,
    legal_entity_id,
    payment_terms_id,
    invoice_date,
    due_date,
    currency,
    total_amount,
    functional_currency,
    cast({{ round_money('cast(total_amount as decimal(28, 4)) * exchange_rate', 'functional_minor_unit') }} as {{ type_money() }}) as functional_amount,
    as_of_date,
    cast(open_amount as {{ type_money() }}) as open_amount,
    case
        when void_date is not null then 'void'
        when open_amount = 0 and written_off_amount > 0 then 'written_off'
        when open_amount = 0 then 'paid'
        when disputed_amount > 0 then 'disputed'
        when is_overdue then 'overdue'
        when open_amount > 0 and open_amount < total_amount then 'partially_paid'
        else 'open'
    end as status,
    bucket as aging_bucket,
    dispute_reason,
    disputed_amount,
    cast(greatest(least(disputed_amount, open_amount), 0) as {{ type_money() }}) as disputed_open_amount,
    cast(written_off_amount as {{ type_money() }}) as written_off_amount,
    void_date,
    last_application_date,
    known_at
from invoices
