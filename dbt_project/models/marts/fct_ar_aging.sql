with open_items as (
    select
        item.*,
        balance.open_amount as document_open_amount,
        sum(item.amount) over (partition by item.document_id) as document_amount,
        sum(item.amount) over (
            partition by item.document_id order by item.item_number rows unbounded preceding
        ) - item.amount as amount_before
    from {{ ref('fct_receivable_item') }} as item
    inner join {{ ref('int_document_balance') }} as balance on item.document_id = balance.document_id
),

customers as (
    select record_key as source_customer_id, customer_id
    from {{ ref('int_customer_record__clustered') }}
),

{{ aged_items('open_items', ref('dim_legal_entity'), 'customers') }}
