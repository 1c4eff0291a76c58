{%- set inputs = [
    ['int_netsuite__document', 'document_id'],
    ['stg_netsuite__transaction_link', 'previous_document_id'],
    ['stg_netsuite__transaction_link', 'next_document_id'],
    ['int_netsuite__write_off', 'document_id'],
    ['int_files__document', 'document_id'],
    ['int_tryton__document', 'document_id'],
] -%}
{#- a debit is settled, whichever of the two was there first; a refund takes from what was there -#}
{%- set lowers_previous -%}
previous_document.document_type = 'invoice' or (previous_document.document_type = 'journal' and previous_document.amount > 0)
{%- endset -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    meta={'added': ['functional_amount']},
    pre_hook="{{ forget_changed(['debit_document_id', 'credit_document_id'], " ~ inputs ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ") }}"
) }}

with links as (
    select *
    from {{ ref('stg_netsuite__transaction_link') }}
    where not is_deleted and link_type = 'Payment'
    {% if is_incremental() %}
    and (
        previous_document_id in ({{ changed_keys(inputs) }})
        or next_document_id in ({{ changed_keys(inputs) }})
    )
    {% endif %}
),

-- what the links are between, looked for once
documents as (
    select *
    from {{ ref('int_netsuite__document') }}
    where transaction_document_id in (
        select previous_document_id from links
        union
        select next_document_id from links
    )
),

split_journals as (
    select transaction_document_id, document_id, source_customer_id
    from documents
    where document_id <> transaction_document_id and not is_deleted
),

split_lines as (
    select transaction_document_id, document_id, line_id, amount
    from {{ ref('int_netsuite__ar_line') }}
    where transaction_document_id in (select transaction_document_id from split_journals)
),

{% for this_end, other_end in [('previous', 'next'), ('next', 'previous')] -%}
-- of a journal of several customers the document that is the other end's customer's, or holds the line
{{ this_end }}_ends as (
    select
        links.transaction_link_id,
        split_journals.document_id,
        row_number() over (
            partition by links.transaction_link_id
            order by
                case when split_journals.source_customer_id = other.source_customer_id then 0 else 1 end,
                case when line.line_id is not null then 0 else 1 end,
                split_journals.document_id
        ) as position
    from links
    inner join split_journals on links.{{ this_end }}_document_id = split_journals.transaction_document_id
    left join documents as other on links.{{ other_end }}_document_id = other.document_id
    left join split_lines as line
        on split_journals.document_id = line.document_id and links.{{ this_end }}_line_id = line.line_id
),

{% endfor -%}
-- a payment's discount is part of what it is applied for; over several debts it is spread as the money is
discounts as (
    select
        transaction_link_id,
        {{ convert_money('discount_amount', 'reached', 'total', 'minor_unit') }}
        - {{ convert_money('discount_amount', 'reached - amount', 'total', 'minor_unit') }} as amount,
        {{ convert_money('functional_discount_amount', 'reached', 'total', 'functional_minor_unit') }}
        - {{ convert_money('functional_discount_amount', 'reached - amount', 'total', 'functional_minor_unit') }}
            as functional_amount
    from (
        select
            link.transaction_link_id,
            abs(link.amount) as amount,
            payment.discount_amount,
            payment.functional_discount_amount,
            iso.minor_unit,
            functional_iso.minor_unit as functional_minor_unit,
            sum(abs(link.amount)) over (partition by link.next_document_id) as total,
            sum(abs(link.amount)) over (
                partition by link.next_document_id order by link.transaction_link_id rows unbounded preceding
            ) as reached
        from {{ ref('stg_netsuite__transaction_link') }} as link
        inner join documents as payment
            on link.next_document_id = payment.document_id and payment.discount_amount > 0 and not payment.is_deleted
        inner join {{ ref('iso_currency') }} as iso on payment.currency = iso.currency
        left join {{ ref('iso_currency') }} as functional_iso on payment.functional_currency = functional_iso.currency
        where not link.is_deleted
            and link.link_type = 'Payment'
            and link.next_document_id in (select next_document_id from links)
    ) as shared
    where total >= discount_amount
),

written_off as (
    select document_id, min(write_off_date) as write_off_date
    from {{ ref('int_netsuite__write_off') }}
    where document_id in (select previous_document_id from links)
    group by document_id
),

transfers as (
    select transaction_document_id
    from split_lines
    group by transaction_document_id
    having sum(amount) = 0
),

linked as (
    select
        links.transaction_link_id as application_id,
        links.connection,
        case
            when next_document.is_reversal then 'void'
            when next_document.document_type = 'refund' and {{ is_dispute('next_document.external_id') }} then 'chargeback'
            when next_document.document_type = 'refund' then 'refund'
            when transfers.transaction_document_id is not null then 'transfer'
            when next_document.document_type = 'payment'
                and (
                    written_off.write_off_date < greatest(previous_document.document_date, next_document.document_date)
                    or (previous_document.document_type = 'journal' and previous_document.is_reversal)
                ) then 'recovery'
            when 'payment' in (previous_document.document_type, next_document.document_type) then 'payment'
            when next_document.document_type = 'deposit' then 'deposit'
            when 'credit_memo' in (previous_document.document_type, next_document.document_type) then 'credit_memo'
            else 'write_off'
        end as application_type,
        case when {{ lowers_previous }} then previous_document.document_id else next_document.document_id end as debit_document_id,
        case when {{ lowers_previous }} then next_document.document_id else previous_document.document_id end as credit_document_id,
        previous_document.source_customer_id,
        previous_document.legal_entity_id,
        previous_document.currency,
        greatest(previous_document.document_date, next_document.document_date) as application_date,
        abs(links.amount) - coalesce(discounts.amount, 0) as amount,
        next_document.functional_currency,
        cast(null as {{ type_total() }}) as functional_amount,
        {% set credit_rate %}case when {{ lowers_previous }} then next_document.exchange_rate else previous_document.exchange_rate end{% endset %}
        {% set debit_rate %}case when {{ lowers_previous }} then previous_document.exchange_rate else next_document.exchange_rate end{% endset %}
        {{ credit_rate }} as credit_rate,
        {{ debit_rate }} as debit_rate,
        cast(null as {{ type_total() }}) as exchange_difference_amount,
        cast(null as date) as exchange_difference_date,
        greatest(links._loaded_at, previous_document.known_at, next_document.known_at) as known_at
    from links
    left join discounts on links.transaction_link_id = discounts.transaction_link_id
    left join written_off on links.previous_document_id = written_off.document_id
    left join previous_ends
        on links.transaction_link_id = previous_ends.transaction_link_id and previous_ends.position = 1
    left join next_ends on links.transaction_link_id = next_ends.transaction_link_id and next_ends.position = 1
    inner join documents as previous_document
        on coalesce(previous_ends.document_id, links.previous_document_id) = previous_document.document_id
        and not previous_document.is_deleted
    inner join documents as next_document
        on coalesce(next_ends.document_id, links.next_document_id) = next_document.document_id
        and not next_document.is_deleted
    left join transfers on next_document.transaction_document_id = transfers.transaction_document_id

    union all

    -- it lowers what is owed when the payment does, and uses up nothing of it
    select
        links.transaction_link_id || ':discount' as application_id,
        links.connection,
        'discount' as application_type,
        coalesce(previous_ends.document_id, links.previous_document_id) as debit_document_id,
        links.next_document_id as credit_document_id,
        debt.source_customer_id,
        debt.legal_entity_id,
        debt.currency,
        payment.document_date as application_date,
        discounts.amount,
        payment.functional_currency,
        discounts.functional_amount,
        payment.exchange_rate as credit_rate,
        debt.exchange_rate as debit_rate,
        cast(null as {{ type_total() }}) as exchange_difference_amount,
        cast(null as date) as exchange_difference_date,
        greatest(links._loaded_at, debt.known_at, payment.known_at) as known_at
    from links
    inner join discounts on links.transaction_link_id = discounts.transaction_link_id and discounts.amount <> 0
    left join previous_ends
        on links.transaction_link_id = previous_ends.transaction_link_id and previous_ends.position = 1
    inner join documents as debt
        on coalesce(previous_ends.document_id, links.previous_document_id) = debt.document_id and not debt.is_deleted
    inner join documents as payment
        on links.next_document_id = payment.document_id and not payment.is_deleted

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
        invoice.functional_currency,
        application.amount as functional_amount,
        cast(1 as decimal(18, 9)) as credit_rate,
        cast(1 as decimal(18, 9)) as debit_rate,
        cast(0 as {{ type_total() }}) as exchange_difference_amount,
        cast(null as date) as exchange_difference_date,
        application.known_at
    from {{ ref('int_files__application') }} as application
    inner join {{ ref('int_files__document') }} as invoice
        on application.invoice_document_id = invoice.document_id
    {% if is_incremental() %}
    where application.invoice_document_id in ({{ changed_keys(inputs) }})
        or application.payment_document_id in ({{ changed_keys(inputs) }})
    {% endif %}

    union all

    select
        application.application_id,
        application.connection,
        application.application_type,
        application.debit_document_id,
        application.credit_document_id,
        application.source_customer_id,
        application.legal_entity_id,
        application.currency,
        application.application_date,
        application.amount,
        debit.functional_currency,
        application.functional_amount,
        cast(null as decimal(18, 9)) as credit_rate,
        cast(null as decimal(18, 9)) as debit_rate,
        application.exchange_difference_amount,
        application.exchange_difference_date,
        application.known_at
    from {{ ref('int_tryton__application') }} as application
    left join {{ ref('int_tryton__document') }} as debit on application.debit_document_id = debit.document_id
    {% if is_incremental() %}
    where application.debit_document_id in ({{ changed_keys(inputs) }})
        or application.credit_document_id in ({{ changed_keys(inputs) }})
    {% endif %}
),

rounded as (
    select
        linked.*,
        cast({{ round_money('linked.amount', 'iso.minor_unit') }} as {{ type_money() }}) as exact_amount,
        functional_iso.minor_unit as functional_minor_unit
    from linked
    inner join {{ ref('iso_currency') }} as iso on linked.currency = iso.currency
    left join {{ ref('iso_currency') }} as functional_iso on linked.functional_currency = functional_iso.currency
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
    linked.exact_amount as amount,
    linked.functional_currency,
    -- at the rate of the document that settles; the ERP posts each difference by itself, at unrounded rates
    cast(
        case
            when linked.currency = linked.functional_currency then linked.exact_amount
            when linked.functional_amount is not null then linked.functional_amount
            else {{ convert_money('linked.exact_amount', 'linked.credit_rate', '1', 'linked.functional_minor_unit') }}
        end as {{ type_money() }}
    ) as functional_amount,
    cast(
        case
            when linked.currency = linked.functional_currency then 0
            when linked.exchange_difference_amount is not null then linked.exchange_difference_amount
            else {{ convert_money('linked.exact_amount', '(linked.credit_rate - linked.debit_rate)', '1', 'linked.functional_minor_unit') }}
        end as {{ type_money() }}
    ) as exchange_difference_amount,
    coalesce(linked.exchange_difference_date, linked.application_date) as exchange_difference_date,
    linked.known_at
from rounded as linked
