-- a liability until it is applied: no receivable is lowered by it before that
with deposits as (
    select
        txn.document_id,
        txn.connection,
        txn.transaction_id,
        txn.number,
        txn.connection || ':' || txn.entity_id as source_customer_id,
        txn.connection || ':' || txn.subsidiary_id as legal_entity_id,
        txn.transaction_date,
        currency.currency,
        iso.minor_unit,
        abs(txn.total_amount) as amount,
        txn.is_voided,
        txn._loaded_at
    from {{ ref('stg_netsuite__transaction') }} as txn
    inner join {{ ref('stg_netsuite__currency') }} as currency
        on txn.connection = currency.connection and txn.currency_id = currency.currency_id
    inner join {{ ref('iso_currency') }} as iso on currency.currency = iso.currency
    left join {{ ref('stg_netsuite__deleted_record') }} as gone
        on txn.document_id = gone.record_key and gone.is_transaction
    where txn.transaction_type = 'CustDep' and not txn.is_deleted and gone.record_key is null
),

used as (
    select link.previous_document_id as document_id, sum(-application.amount) as amount
    from {{ ref('stg_netsuite__transaction_link') }} as link
    inner join {{ ref('int_netsuite__document') }} as application
        on link.next_document_id = application.document_id
        and application.document_type = 'deposit'
        and not application.is_deleted
    inner join {{ ref('dim_legal_entity') }} as entity
        on application.legal_entity_id = entity.legal_entity_id and application.document_date <= entity.as_of_date
    where link.link_type = 'DepAppl' and not link.is_deleted
    group by link.previous_document_id
)

select
    deposits.document_id as customer_deposit_id,
    deposits.connection,
    deposits.transaction_id as source_id,
    deposits.number,
    coalesce(customer.customer_id, deposits.source_customer_id) as customer_id,
    deposits.source_customer_id,
    deposits.legal_entity_id,
    deposits.transaction_date as deposit_date,
    deposits.currency,
    cast({{ round_money('deposits.amount', 'deposits.minor_unit') }} as {{ type_money() }}) as amount,
    cast(coalesce(used.amount, 0) as {{ type_money() }}) as applied_amount,
    cast(
        case
            when deposits.is_voided then 0
            else {{ round_money('deposits.amount', 'deposits.minor_unit') }} - coalesce(used.amount, 0)
        end as {{ type_money() }}
    ) as open_amount,
    deposits._loaded_at as known_at
from deposits
left join used on deposits.document_id = used.document_id
left join {{ ref('int_customer_record__clustered') }} as customer on deposits.source_customer_id = customer.record_key
