-- where a source stood still while it was read, raw must hold what the source itself says: told and held, side by side
with told as (
    select
        total.connection,
        total.stream,
        total.object,
        coalesce(currency.currency, total.currency_id) as currency,
        total.row_count,
        total.amount
    from {{ ref('stg_arsync__total') }} as total
    left join {{ ref('stg_netsuite__currency') }} as currency
        on total.connection = currency.connection and total.currency_id = currency.currency_id
    where total.stood_still
),

kinds as (
    select distinct connection, stream, object, amount is not null as is_summed from told
),

receivable_parties as (
    select line.connection, line.party_id, sum(line.debit_amount - line.credit_amount) as amount
    from {{ ref('stg_tryton__move_line') }} as line
    inner join {{ ref('stg_tryton__account') }} as account
        on line.connection = account.connection and line.account_id = account.account_id and account.is_receivable
    where not line.is_deleted and line.reconciliation_id is null and line.party_id is not null
    group by line.connection, line.party_id
    having sum(line.debit_amount - line.credit_amount) <> 0
),

-- signs as the source writes them
counted as (
    select
        txn.connection,
        'transaction' as stream,
        txn.transaction_type as object,
        coalesce(currency.currency, txn.currency_id) as currency,
        count(*) as row_count,
        sum(coalesce(txn.total_amount, 0)) as amount
    from {{ ref('stg_netsuite__transaction') }} as txn
    left join {{ ref('stg_netsuite__currency') }} as currency
        on txn.connection = currency.connection and txn.currency_id = currency.currency_id
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on txn.document_id = gone.record_key and gone.is_transaction
    where not txn.is_deleted and gone.record_key is null
    group by 1, 2, 3, 4

    union all

    select
        customer.connection, 'customer' as stream, 'customer' as object, null as currency, count(*) as row_count, 0 as amount
    from {{ ref('stg_netsuite__customer') }} as customer
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on customer.source_customer_id = gone.record_key and gone.is_customer
    where not customer.is_deleted and gone.record_key is null
    group by 1, 2, 3, 4
    {%- for system, stream in [
        ('tryton', 'party'), ('tryton', 'invoice'), ('tryton', 'move'), ('tryton', 'move_line'), ('tryton', 'reconciliation'),
        ('salesforce', 'account'), ('salesforce', 'ar_account_balance'), ('salesforce', 'ar_invoice'),
    ] %}

    union all

    select connection, '{{ stream }}' as stream, '{{ stream }}' as object, null as currency, count(*) as row_count, 0 as amount
    from {{ ref('stg_' ~ system ~ '__' ~ stream) }}
    {% if stream != 'ar_account_balance' %}where not is_deleted{% endif %}
    group by 1, 2, 3, 4
    {%- endfor %}

    union all

    select
        connection, 'move_line' as stream, 'receivable' as object, null as currency, count(*) as row_count, sum(amount) as amount
    from receivable_parties
    group by 1, 2, 3, 4
),

held as (
    select counted.*, kinds.is_summed
    from counted
    inner join kinds
        on counted.connection = kinds.connection and counted.stream = kinds.stream and counted.object = kinds.object
)

select
    coalesce(told.connection, held.connection) as connection,
    coalesce(told.stream, held.stream) as stream,
    coalesce(told.object, held.object) as object,
    coalesce(told.currency, held.currency) as currency,
    coalesce(told.row_count, 0) as told_count,
    coalesce(held.row_count, 0) as held_count,
    cast(coalesce(told.amount, 0) as {{ type_total() }}) as told_amount,
    cast(case when held.is_summed then held.amount else 0 end as {{ type_total() }}) as held_amount
from told
full outer join held
    on told.connection = held.connection
    and told.stream = held.stream
    and told.object = held.object
    and coalesce(told.currency, '') = coalesce(held.currency, '')
