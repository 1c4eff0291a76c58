-- depends_on: {{ ref('fct_receivable_item') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ forget_moved_customers(customer_settings()) }}",
    post_hook="{{ write_seen(customer_inputs(), customer_settings()) }}"
) }}
{%- set only_moved = rows_stand(customer_settings()) %}

with trade_invoices as (
    select invoice.*, entity.as_of_date
    from {{ ref('fct_invoice') }} as invoice
    inner join {{ ref('dim_legal_entity') }} as entity
        on invoice.legal_entity_id = entity.legal_entity_id and not entity.is_elimination
    left join {{ ref('int_intercompany_customer') }} as intercompany
        on invoice.source_customer_id = intercompany.source_customer_id
    where intercompany.source_customer_id is null
        {% if only_moved %}and invoice.customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
),

balances as (
    select
        customer_id,
        legal_entity_id,
        currency,
        sum(case when bucket_number = 1 then open_amount else 0 end) as current_amount,
        sum(case when bucket_number = 2 then open_amount else 0 end) as days_1_30_amount,
        sum(case when bucket_number = 3 then open_amount else 0 end) as days_31_60_amount,
        sum(case when bucket_number = 4 then open_amount else 0 end) as days_61_90_amount,
        sum(case when bucket_number = 5 then open_amount else 0 end) as days_91_plus_amount,
        sum(case when bucket_number = 0 then open_amount else 0 end) as unapplied_amount,
        sum(case when bucket_number > 0 and days_past_due >= 1 then open_amount else 0 end) as overdue_amount,
        sum(case when bucket_number >= 0 then open_amount else 0 end) as open_amount,
        sum(case when bucket_number = -1 then open_amount else 0 end) as intercompany_amount,
        min(case when bucket_number > 0 and open_amount > 0 then due_date end) as oldest_due_date
    from {{ ref('fct_ar_aging') }}
    {% if only_moved %}where customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
    group by customer_id, legal_entity_id, currency
),

credit as (
    select
        record.customer_id,
        erp.legal_entity_id,
        erp.currency,
        min(erp.number) as erp_customer_number,
        sum(erp.credit_limit) as credit_limit,
        max(case when erp.is_on_credit_hold then 1 else 0 end) = 1 as is_on_credit_hold
    from {{ ref('int_erp_customer') }} as erp
    inner join {{ ref('int_customer_record__clustered') }} as record on erp.source_customer_id = record.record_key
    where not erp.is_deleted and erp.legal_entity_id is not null and erp.currency is not null
        {% if only_moved %}and record.customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
    group by record.customer_id, erp.legal_entity_id, erp.currency
),

term_names as (
    select distinct record.customer_id, erp.legal_entity_id, erp.currency, erp.payment_terms
    from {{ ref('int_erp_customer') }} as erp
    inner join {{ ref('int_customer_record__clustered') }} as record on erp.source_customer_id = record.record_key
    where not erp.is_deleted and erp.payment_terms is not null
        {% if only_moved %}and record.customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
),

terms as (
    select customer_id, legal_entity_id, currency, string_agg(payment_terms, '; ' order by payment_terms) as payment_terms
    from term_names
    group by customer_id, legal_entity_id, currency
),

disputes as (
    select customer_id, legal_entity_id, currency, sum(disputed_open_amount) as disputed_amount
    from trade_invoices
    where disputed_open_amount > 0
    group by customer_id, legal_entity_id, currency
),

paid as (
    select
        invoice.customer_id,
        invoice.legal_entity_id,
        invoice.currency,
        {{ to_units('sum(invoice.total_amount)', 4) }} as paid_weight,
        {{ to_units(
            'sum(invoice.total_amount * ' ~ dbt.datediff('invoice.invoice_date', 'invoice.last_application_date', 'day') ~ ')', 4
        ) }} as paid_weight_days
    from trade_invoices as invoice
    where invoice.status = 'paid'
        and invoice.written_off_amount = 0
        and invoice.last_application_date > {{ dbt.dateadd('month', -12, 'invoice.as_of_date') }}
        and invoice.last_application_date <= invoice.as_of_date
    group by invoice.customer_id, invoice.legal_entity_id, invoice.currency
),

keys as (
    select customer_id, legal_entity_id, currency from balances
    union
    select customer_id, legal_entity_id, currency from credit
    union
    select customer_id, legal_entity_id, currency from paid
    union
    select customer_id, legal_entity_id, currency from {{ ref('int_unbilled_order') }}
    {% if only_moved %}where customer_id in ({{ changed_keys(customer_inputs()) }}){% endif %}
)

select
    keys.customer_id || '|' || keys.legal_entity_id || '|' || keys.currency as customer_summary_id,
    keys.customer_id,
    keys.legal_entity_id,
    keys.currency,
    entity.as_of_date,
    coalesce(credit.erp_customer_number, customer.erp_customer_number) as erp_customer_number,
    cast(coalesce(balances.current_amount, 0) as {{ type_total() }}) as current_amount,
    cast(coalesce(balances.days_1_30_amount, 0) as {{ type_total() }}) as days_1_30_amount,
    cast(coalesce(balances.days_31_60_amount, 0) as {{ type_total() }}) as days_31_60_amount,
    cast(coalesce(balances.days_61_90_amount, 0) as {{ type_total() }}) as days_61_90_amount,
    cast(coalesce(balances.days_91_plus_amount, 0) as {{ type_total() }}) as days_91_plus_amount,
    cast(coalesce(balances.unapplied_amount, 0) as {{ type_total() }}) as unapplied_amount,
    cast(coalesce(balances.open_amount, 0) as {{ type_total() }}) as open_balance_amount,
    cast(coalesce(balances.overdue_amount, 0) as {{ type_total() }}) as overdue_balance_amount,
    cast(coalesce(balances.intercompany_amount, 0) as {{ type_total() }}) as intercompany_amount,
    cast(coalesce(disputes.disputed_amount, 0) as {{ type_total() }}) as disputed_amount,
    cast(credit.credit_limit as {{ type_total() }}) as credit_limit_amount,
    cast(coalesce(unbilled.unbilled_order_amount, 0) as {{ type_total() }}) as unbilled_order_amount,
    cast(
        credit.credit_limit - coalesce(balances.open_amount, 0) - coalesce(unbilled.unbilled_order_amount, 0)
        as {{ type_total() }}
    ) as credit_available_amount,
    coalesce(
        credit.credit_limit < coalesce(balances.open_amount, 0) + coalesce(unbilled.unbilled_order_amount, 0), false
    ) as is_over_limit,
    coalesce(credit.is_on_credit_hold, false) as is_on_credit_hold,
    terms.payment_terms,
    balances.oldest_due_date,
    cast(coalesce(paid.paid_weight, 0) as decimal(38, 0)) as paid_weight,
    cast(coalesce(paid.paid_weight_days, 0) as decimal(38, 0)) as paid_weight_days,
    case
        when paid.paid_weight > 0
            then cast({{ divide_half_up('(paid.paid_weight_days * 10)', 'paid.paid_weight') }} as decimal(18, 0)) * 0.1
    end as average_days_to_pay
from keys
inner join {{ ref('dim_legal_entity') }} as entity on keys.legal_entity_id = entity.legal_entity_id
left join {{ ref('dim_customer') }} as customer on keys.customer_id = customer.customer_id
left join balances
    on keys.customer_id = balances.customer_id
    and keys.legal_entity_id = balances.legal_entity_id
    and keys.currency = balances.currency
left join credit
    on keys.customer_id = credit.customer_id
    and keys.legal_entity_id = credit.legal_entity_id
    and keys.currency = credit.currency
left join {{ ref('int_unbilled_order') }} as unbilled
    on keys.customer_id = unbilled.customer_id
    and keys.legal_entity_id = unbilled.legal_entity_id
    and keys.currency = unbilled.currency
left join terms
    on keys.customer_id = terms.customer_id
    and keys.legal_entity_id = terms.legal_entity_id
    and keys.currency = terms.currency
left join disputes
    on keys.customer_id = disputes.customer_id
    and keys.legal_entity_id = disputes.legal_entity_id
    and keys.currency = disputes.currency
left join paid
    on keys.customer_id = paid.customer_id
    and keys.legal_entity_id = paid.legal_entity_id
    and keys.currency = paid.currency
