-- few documents are in any finding: each kind looks for them by what it needs, and fetches the rest of those alone
with documents as not materialized (
    {%- for model in ['int_netsuite__document', 'int_files__document', 'int_tryton__document'] %}
    select document_id, connection, source_id, document_type, number, source_customer_id, legal_entity_id, currency, amount
    from {{ ref(model) }}
    where not is_deleted
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- more applied than there was: the balance is on the other side of its document
other_side as (
    select document.document_id, balance.open_amount
    from {{ ref('int_document_balance') }} as balance
    inner join documents as document on balance.document_id = document.document_id
    where (balance.open_amount > 0 and document.amount <= 0) or (balance.open_amount < 0 and document.amount >= 0)
),

over_applied as (
    select
        'over_applied:' || document.document_id as finding_id,
        'different' as finding,
        'warning' as severity,
        document.document_id,
        abs(other_side.open_amount) as amount,
        'more is applied to ' || document.document_type || ' ' || coalesce(document.number, document.document_id)
        || ' than it came to' as detail,
        'cash_application' as owner,
        document.connection,
        document.source_customer_id,
        document.legal_entity_id,
        document.currency
    from other_side
    inner join documents as document on other_side.document_id = document.document_id
),

without_currency as (
    select documents.document_id
    from documents
    left join {{ ref('iso_currency') }} as iso on documents.currency = iso.currency
    where iso.currency is null
),

uncounted as (
    select documents.* from documents where document_id in (select document_id from without_currency)
),

-- what their sources say, for an amount in an unknown currency has no canonical one
said as (
    select document_id, total_amount as amount from {{ ref('stg_netsuite__transaction') }}
    union all
    select document_id, amount from {{ ref('stg_files__invoice') }}
    union all
    select document_id, amount from {{ ref('stg_files__payment') }}
    union all
    select connection || ':' || invoice_id as document_id, total_amount as amount from {{ ref('stg_tryton__invoice') }}
    union all
    select
        connection || ':line:' || move_line_id as document_id,
        case when second_currency_id is null then debit_amount - credit_amount else second_currency_amount end as amount
    from {{ ref('stg_tryton__move_line') }}
),

unknown_currency as (
    select
        'unknown_currency:' || uncounted.document_id as finding_id,
        'extra' as finding,
        'critical' as severity,
        uncounted.document_id,
        abs(coalesce(said.amount, 0)) as amount,
        'currency ' || coalesce(uncounted.currency, '(none)') || ' of '
        || coalesce(uncounted.number, uncounted.document_id)
        || ' is not one of ISO 4217 that arsync knows: it is in no balance' as detail,
        'finance_systems' as owner,
        uncounted.connection,
        uncounted.source_customer_id,
        uncounted.legal_entity_id,
        uncounted.currency
    from uncounted
    left join said on uncounted.document_id = said.document_id
),

due_too_early as (
    select
        'due_before_date:' || item.item_id as finding_id,
        'different' as finding,
        'warning' as severity,
        item.document_id,
        item.amount,
        'due on ' || cast(item.due_date as {{ dbt.type_string() }}) || ', before the invoice date '
        || cast(item.document_date as {{ dbt.type_string() }}) as detail,
        'accounts_receivable' as owner,
        item.connection,
        item.source_customer_id,
        item.legal_entity_id,
        item.currency
    from {{ ref('fct_receivable_item') }} as item
    where item.item_id in (
        select item_id from {{ ref('fct_receivable_item') }} where item_type = 'invoice' and due_date < document_date
    )
),

-- what the control account holds of a transaction that is none of receivables, or of no customer
posted_only as (
    select
        'posted_only:' || line.document_id as finding_id,
        'extra' as finding,
        'critical' as severity,
        line.document_id,
        abs(sum(line.amount)) as amount,
        min(line.transaction_type) || ' posts to a control account and is no document of receivables' as detail,
        'finance_systems' as owner,
        min(line.connection) as connection,
        cast(null as {{ dbt.type_string() }}) as source_customer_id,
        min(line.legal_entity_id) as legal_entity_id,
        min(line.currency) as currency
    from {{ ref('int_netsuite__ar_line') }} as line
    -- the types that int_netsuite__document makes documents of
    where line.transaction_type not in ('CustInvc', 'CustPymt', 'CustCred', 'CustRfnd', 'DepAppl', 'Journal', 'FxReval')
    group by line.document_id
    having sum(line.amount) <> 0

    union all

    select
        'posted_only:' || ar_line_id as finding_id,
        'extra' as finding,
        'critical' as severity,
        ar_line_id as document_id,
        abs(amount) as amount,
        'entry ' || coalesce(move_number, move_id) || ' posts to a control account for no customer' as detail,
        'finance_systems' as owner,
        connection,
        cast(null as {{ dbt.type_string() }}) as source_customer_id,
        legal_entity_id,
        currency
    from {{ ref('int_tryton__ar_line') }}
    where document_id is null and not is_deleted and amount <> 0
),

-- where the ledgers differ: which documents the general ledger holds another amount of
differing as (
    select legal_entity_id, currency from {{ ref('recon_gl_control') }} where basis = 'document' and difference <> 0
),

-- a payment's own amount, and the discount that it posts with it
posted_amounts as (
    select documents.*, documents.amount - coalesce(discount.amount, 0) as posted_amount
    from documents
    left join (
        select credit_document_id, sum(amount) as amount
        from {{ ref('fct_payment_application') }}
        where application_type = 'discount'
        group by credit_document_id
    ) as discount on documents.document_id = discount.credit_document_id
),

posted_otherwise as (
    select
        'posted_otherwise:' || document.document_id as finding_id,
        'different' as finding,
        'critical' as severity,
        document.document_id,
        abs(document.posted_amount - coalesce(sum(line.amount), 0)) as amount,
        document.document_type || ' ' || coalesce(document.number, document.document_id) || ' of '
        || cast(document.posted_amount as {{ dbt.type_string() }}) || ' posts '
        || cast(coalesce(sum(line.amount), 0) as {{ dbt.type_string() }}) || ' to control accounts' as detail,
        'finance_systems' as owner,
        document.connection,
        document.source_customer_id,
        document.legal_entity_id,
        document.currency
    from posted_amounts as document
    inner join differing
        on document.legal_entity_id = differing.legal_entity_id and document.currency = differing.currency
    inner join {{ ref('stg_arsync__connection') }} as connection
        on document.connection = connection.connection and connection.vendor = 'netsuite'
    left join {{ ref('int_netsuite__ar_line') }} as line
        on document.document_id = line.document_id
        and document.legal_entity_id = line.legal_entity_id
        and document.currency = line.currency
    group by
        document.document_id, document.document_type, document.number, document.posted_amount, document.connection,
        document.source_customer_id, document.legal_entity_id, document.currency
    having document.posted_amount <> coalesce(sum(line.amount), 0)
),

-- what lowers nobody's credit though it was released
uncounted_order as (
    select
        'uncounted_order:' || sales_order.order_id as finding_id,
        'extra' as finding,
        'warning' as severity,
        sales_order.order_id as document_id,
        abs(coalesce(sales_order.unbilled_amount, 0)) as amount,
        'order ' || sales_order.order_id || case
            when iso.currency is null
                then ': currency ' || coalesce(sales_order.currency, '(none)') || ' is not one that arsync knows'
            when customer.record_key is null
                then ': nobody knows its customer ' || coalesce(sales_order.source_customer_id, '(none)')
            when sales_order.unbilled_amount is null then ' has no unbilled amount'
            else ': neither it nor its customer has a legal entity'
        end || '; credit available is shown without it' as detail,
        'finance_systems' as owner,
        split_part(sales_order.order_id, ':', 1) as connection,
        cast(null as {{ dbt.type_string() }}) as source_customer_id,
        sales_order.legal_entity_id,
        sales_order.currency
    from {{ ref('stg_files__order') }} as sales_order
    left join {{ ref('iso_currency') }} as iso on sales_order.currency = iso.currency
    left join {{ ref('int_customer_record__clustered') }} as customer
        on sales_order.source_customer_id = customer.record_key
    left join {{ ref('int_erp_customer') }} as erp on sales_order.source_customer_id = erp.source_customer_id
    left join {{ ref('dim_legal_entity') }} as entity on sales_order.legal_entity_id = entity.legal_entity_id
    where sales_order.is_released
        and (
            iso.currency is null
            or customer.record_key is null
            or sales_order.unbilled_amount is null
            or coalesce(entity.legal_entity_id, erp.legal_entity_id) is null
        )
),

findings as (
    {%- for kind in ['over_applied', 'unknown_currency', 'due_too_early', 'posted_otherwise', 'posted_only', 'uncounted_order'] %}
    select * from {{ kind }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select
    findings.finding_id,
    findings.finding,
    findings.severity,
    findings.connection,
    findings.document_id as business_key,
    coalesce(customer.customer_id, findings.source_customer_id) as customer_id,
    findings.legal_entity_id,
    cast(findings.amount as {{ type_total() }}) as amount,
    findings.currency,
    findings.detail,
    findings.owner,
    false as is_repairable
from findings
left join {{ ref('int_customer_record__clustered') }} as customer on findings.source_customer_id = customer.record_key
