-- Lines that settle each other, set one against the next: debits by due date, credits as they were posted. Each gives its
-- share of what it was posted at in the company's currency; what they differ by is realised once they are reconciled.
with companies as (
    select company.legal_entity_id, iso.minor_unit as functional_minor_unit
    from {{ ref('stg_tryton__company') }} as company
    inner join {{ ref('stg_tryton__currency') }} as currency
        on company.connection = currency.connection and company.currency_id = currency.currency_id
    inner join {{ ref('iso_currency') }} as iso on currency.currency = iso.currency
),

reconciled as (
    select connection, reconciliation_id, max(posted_date) as realised_date
    from {{ ref('int_tryton__ar_line') }}
    where reconciliation_id is not null and not is_deleted
    group by connection, reconciliation_id
),

lines as (
    select
        line.*,
        sum(abs(amount)) over (
            partition by connection, settlement, currency, sign(amount)
            order by case when amount > 0 then due_date else posted_date end, length(source_id), source_id
            rows unbounded preceding
        ) as reached
    from {{ ref('int_tryton__ar_line') }} as line
    where settlement is not null and not is_deleted and document_id is not null and amount <> 0
),

pairs as (
    select
        debit.connection,
        debit.settlement,
        debit.reconciliation_id,
        debit.document_id as debit_document_id,
        credit.document_id as credit_document_id,
        debit.document_source_id as debit_source_id,
        credit.document_source_id as credit_source_id,
        debit.source_customer_id,
        debit.legal_entity_id,
        debit.currency,
        case
            when debit.is_reversal or credit.is_reversal then 'void'
            when debit.is_write_off or credit.is_write_off then 'write_off'
            when debit.document_type = 'refund' then 'refund'
            when credit.document_type = 'credit_memo' then 'credit_memo'
            else 'payment'
        end as application_type,
        greatest(debit.posted_date, credit.posted_date) as application_date,
        least(debit.reached, credit.reached)
        - greatest(debit.reached - debit.amount, credit.reached + credit.amount) as amount,
        greatest(debit.known_at, credit.known_at) as known_at,
        greatest(debit.reached - debit.amount, credit.reached + credit.amount) as first_unit,
        least(debit.reached, credit.reached) as last_unit,
        debit.reached - debit.amount as debit_start,
        debit.amount as debit_amount,
        debit.functional_amount as debit_functional_amount,
        credit.reached + credit.amount as credit_start,
        -credit.amount as credit_amount,
        -credit.functional_amount as credit_functional_amount
    from lines as debit
    inner join lines as credit
        on debit.connection = credit.connection
        and debit.settlement = credit.settlement
        and debit.currency = credit.currency
        and debit.reached > credit.reached + credit.amount
        and credit.reached > debit.reached - debit.amount
        and debit.document_id <> credit.document_id
    where debit.amount > 0 and credit.amount < 0
),

shares as (
    select
        pairs.*,
        {% for side in ['debit', 'credit'] -%}
        {{ convert_money(side ~ '_functional_amount', 'last_unit - ' ~ side ~ '_start', side ~ '_amount', 'functional_minor_unit') }}
        - {{ convert_money(side ~ '_functional_amount', 'first_unit - ' ~ side ~ '_start', side ~ '_amount', 'functional_minor_unit') }}
            as {{ side }}_share{{ ',' if not loop.last }}
        {% endfor %}
    from pairs
    left join companies on pairs.legal_entity_id = companies.legal_entity_id
)

select
    pairs.connection || ':' || pairs.settlement || ':' || pairs.debit_source_id || '>' || pairs.credit_source_id as application_id,
    pairs.connection,
    pairs.application_type,
    pairs.debit_document_id,
    pairs.credit_document_id,
    min(pairs.source_customer_id) as source_customer_id,
    min(pairs.legal_entity_id) as legal_entity_id,
    pairs.currency,
    max(pairs.application_date) as application_date,
    sum(pairs.amount) as amount,
    sum(pairs.credit_share) as functional_amount,
    case
        when pairs.reconciliation_id is null then 0 else sum(pairs.credit_share - pairs.debit_share)
    end as exchange_difference_amount,
    coalesce(max(reconciled.realised_date), max(pairs.application_date)) as exchange_difference_date,
    min(reconciliation.reconciliation_date) as reconciled_date,
    greatest(max(pairs.known_at), max(coalesce(reconciliation._loaded_at, pairs.known_at))) as known_at
from shares as pairs
left join reconciled
    on pairs.connection = reconciled.connection and pairs.reconciliation_id = reconciled.reconciliation_id
left join {{ ref('stg_tryton__reconciliation') }} as reconciliation
    on pairs.connection = reconciliation.connection
    and pairs.reconciliation_id = reconciliation.reconciliation_id
    and not reconciliation.is_deleted
group by
    pairs.connection, pairs.settlement, pairs.reconciliation_id, pairs.debit_source_id, pairs.credit_source_id, pairs.application_type,
    pairs.debit_document_id, pairs.credit_document_id, pairs.currency
