with invoices as (
    select
        invoice.*,
        iso.minor_unit,
        coalesce(invoice.currency, customer.currency, policy.reporting_currency) as document_currency
    from {{ ref('stg_files__invoice') }} as invoice
    cross join {{ ref('stg_arsync__policy') }} as policy
    left join {{ ref('stg_files__customer') }} as customer
        on invoice.connection = customer.connection and invoice.customer_id = customer.customer_id
    left join {{ ref('iso_currency') }} as iso
        on coalesce(invoice.currency, customer.currency, policy.reporting_currency) = iso.currency
),

payments as (
    select
        payment.document_id,
        payment.connection,
        payment.payment_id as source_id,
        payment.payment_id as number,
        coalesce(payment.customer_id, invoices.customer_id) as customer_id,
        coalesce(payment.source_legal_entity_id, invoices.source_legal_entity_id, 'default') as source_legal_entity_id,
        payment.payment_date,
        coalesce(payment.currency, invoices.document_currency, policy.reporting_currency) as document_currency,
        payment.amount,
        payment.invoice_id,
        payment.is_deleted,
        greatest(payment._seq, coalesce(invoices._seq, 0)) as _seq,
        payment._loaded_at
    from {{ ref('stg_files__payment') }} as payment
    cross join {{ ref('stg_arsync__policy') }} as policy
    left join invoices
        on payment.connection = invoices.connection and payment.invoice_id = invoices.invoice_id

    union all

    -- a settled date is a payment of that day
    select
        connection || ':settled:' || invoice_id as document_id,
        connection,
        'settled:' || invoice_id as source_id,
        number,
        customer_id,
        source_legal_entity_id,
        settled_date as payment_date,
        document_currency,
        coalesce(settled_amount, amount) as amount,
        invoice_id,
        is_deleted or settled_date is null as is_deleted,
        _seq,
        _loaded_at
    from invoices
    where amount > 0
),

claimants as (
    select connection, invoice_id, max(_seq) as last_seq
    from {{ ref('stg_files__payment') }}
    group by connection, invoice_id
),

documents as (
    select
        invoices.document_id,
        invoices.connection,
        invoices.invoice_id as source_id,
        case when amount < 0 then 'credit_memo' else 'invoice' end as document_type,
        number,
        customer_id,
        source_legal_entity_id,
        invoice_date as document_date,
        coalesce(due_date, invoice_date) as due_date,
        document_currency as currency,
        amount,
        case when is_disputed then 'disputed' end as dispute_reason,
        case when is_disputed then coalesce(disputed_amount, amount) else coalesce(disputed_amount, 0) end as disputed_amount,
        cast(null as {{ dbt.type_string() }}) as paid_invoice_id,
        is_deleted,
        -- a payment's change may move what the other payments of its invoice settle
        greatest(_seq, coalesce(claimants.last_seq, 0)) as _seq,
        _loaded_at
    from invoices
    left join claimants
        on invoices.connection = claimants.connection and invoices.invoice_id = claimants.invoice_id

    union all

    select
        document_id,
        connection,
        source_id,
        'payment' as document_type,
        number,
        customer_id,
        source_legal_entity_id,
        payment_date as document_date,
        cast(null as date) as due_date,
        document_currency as currency,
        -amount as amount,
        cast(null as {{ dbt.type_string() }}) as dispute_reason,
        0 as disputed_amount,
        case when invoice_id is not null then connection || ':' || invoice_id end as paid_invoice_id,
        is_deleted,
        _seq,
        _loaded_at
    from payments
)

select
    documents.document_id,
    documents.connection,
    documents.source_id,
    documents.document_type,
    documents.number,
    documents.connection || ':' || documents.customer_id as source_customer_id,
    documents.connection || ':' || documents.source_legal_entity_id as legal_entity_id,
    documents.document_date,
    documents.due_date,
    documents.currency,
    cast({{ round_money('documents.amount', 'iso.minor_unit') }} as {{ type_money() }}) as amount,
    -- an extract names no other currency that its books are kept in
    documents.currency as functional_currency,
    cast({{ round_money('documents.amount', 'iso.minor_unit') }} as {{ type_money() }}) as functional_amount,
    cast(null as decimal(18, 9)) as exchange_rate,
    cast(null as {{ dbt.type_string() }}) as payment_terms_id,
    false as is_voided,
    false as is_reversal,
    cast(null as date) as voided_fallback_date,
    documents.dispute_reason,
    cast({{ round_money('documents.disputed_amount', 'iso.minor_unit') }} as {{ type_money() }}) as disputed_amount,
    cast(null as {{ dbt.type_string() }}) as external_id,
    cast(null as {{ dbt.type_string() }}) as memo,
    documents.is_deleted,
    documents._seq,
    documents._loaded_at as known_at,
    documents.paid_invoice_id
from documents
left join {{ ref('iso_currency') }} as iso on documents.currency = iso.currency
