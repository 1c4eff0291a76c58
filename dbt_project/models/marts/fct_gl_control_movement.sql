-- as the entries stand there: what int_tryton__ar_line makes of them is the sub-ledger's side
with tryton_entries as (
    select
        company.legal_entity_id,
        currency.currency,
        move.move_date as posting_date,
        case
            when line.second_currency_id is null then line.debit_amount - line.credit_amount
            else line.second_currency_amount
        end as amount,
        line.debit_amount - line.credit_amount as functional_amount
    from {{ ref('stg_tryton__move_line') }} as line
    inner join {{ ref('stg_tryton__move') }} as move
        on line.connection = move.connection
        and line.move_id = move.move_id
        and move.state = 'posted'
        and not move.is_deleted
    inner join {{ ref('stg_tryton__company') }} as company
        on move.connection = company.connection and move.company_id = company.company_id
    left join {{ ref('stg_tryton__currency') }} as currency
        on line.connection = currency.connection
        and coalesce(line.second_currency_id, company.currency_id) = currency.currency_id
    where not line.is_deleted
),

postings as (
    select legal_entity_id, currency, transaction_date as posting_date, amount, functional_amount
    from {{ ref('int_netsuite__ar_line') }}

    union all

    select legal_entity_id, currency, posting_date, amount, functional_amount from tryton_entries

    union all

    -- Tryton keeps the control account in the company's currency alone: what a reconciliation takes from one currency and
    -- gives to another is no entry there
    select legal_entity_id, currency, posted_date as posting_date, amount, functional_amount
    from {{ ref('int_tryton__ar_line') }}
    where move_id is null and not is_deleted
)

select
    legal_entity_id || '|' || currency || '|' || cast(posting_date as {{ dbt.type_string() }}) as gl_control_movement_id,
    legal_entity_id,
    currency,
    posting_date,
    cast(sum(amount) as {{ type_total() }}) as amount,
    cast(sum(functional_amount) as {{ type_total() }}) as functional_amount,
    count(*) as lines
from postings
where currency is not null and amount is not null
group by legal_entity_id, currency, posting_date
