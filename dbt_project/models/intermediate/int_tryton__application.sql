-- Lines that settle each other, set one against the next: debits by due date, credits as they were posted.
with lines as (
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
        greatest(debit.known_at, credit.known_at) as known_at
    from lines as debit
    inner join lines as credit
        on debit.connection = credit.connection
        and debit.settlement = credit.settlement
        and debit.currency = credit.currency
        and debit.reached > credit.reached + credit.amount
        and credit.reached > debit.reached - debit.amount
        and debit.document_id <> credit.document_id
    where debit.amount > 0 and credit.amount < 0
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
    min(reconciliation.reconciliation_date) as reconciled_date,
    greatest(max(pairs.known_at), max(coalesce(reconciliation._loaded_at, pairs.known_at))) as known_at
from pairs
left join {{ ref('stg_tryton__reconciliation') }} as reconciliation
    on pairs.connection = reconciliation.connection
    and pairs.reconciliation_id = reconciliation.reconciliation_id
    and not reconciliation.is_deleted
group by
    pairs.connection, pairs.settlement, pairs.debit_source_id, pairs.credit_source_id, pairs.application_type,
    pairs.debit_document_id, pairs.credit_document_id, pairs.currency
