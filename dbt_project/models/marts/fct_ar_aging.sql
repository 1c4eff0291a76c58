with open_items as (
    select
        item.item_id,
        item.document_id,
        item.connection,
        item.item_type,
        item.item_number,
        item.item_count,
        item.source_customer_id,
        item.legal_entity_id,
        item.currency,
        item.document_date,
        item.due_date,
        item.amount,
        balance.open_amount as document_open_amount,
        sum(item.amount) over (partition by item.document_id) - balance.open_amount as settled_amount,
        sum(item.amount) over (
            partition by item.document_id order by item.item_number rows unbounded preceding
        ) - item.amount as amount_before
    from {{ ref('fct_receivable_item') }} as item
    inner join {{ ref('int_document_balance') }} as balance on item.document_id = balance.document_id
),

-- what was settled goes to the oldest due date first; the first and the last instalment take what exceeds the bounds
settled as (
    select
        open_items.*,
        amount - case
            when item_count = 1 then settled_amount
            when item_number = 1 then least(settled_amount, amount)
            when item_number = item_count then greatest(settled_amount - amount_before, 0)
            else greatest(least(settled_amount - amount_before, amount), 0)
        end as open_amount
    from open_items
),

aged as (
    select
        settled.*,
        entity.as_of_date,
        {{ dbt.datediff('settled.due_date', 'entity.as_of_date', 'day') }} as days_past_due,
        {{ dbt.datediff(
            "case when policy.aging_basis = 'document' then settled.document_date else settled.due_date end",
            'entity.as_of_date', 'day'
        ) }} as age_days,
        policy.edge_1,
        policy.edge_2,
        policy.edge_3,
        policy.edge_4
    from settled
    inner join {{ ref('dim_legal_entity') }} as entity on settled.legal_entity_id = entity.legal_entity_id
    cross join {{ ref('stg_arsync__policy') }} as policy
    where settled.open_amount <> 0
),

placed as (
    select
        aged.*,
        case
            when item_type <> 'invoice' then 0
            when age_days <= edge_1 then 1
            when age_days <= edge_2 then 2
            when age_days <= edge_3 then 3
            when age_days <= edge_4 then 4
            else 5
        end as bucket_number
    from aged
)

select
    placed.item_id,
    placed.as_of_date,
    placed.document_id,
    placed.item_type,
    placed.item_number,
    coalesce(customer.customer_id, placed.source_customer_id) as customer_id,
    placed.source_customer_id,
    placed.legal_entity_id,
    placed.currency,
    placed.document_date,
    placed.due_date,
    placed.amount,
    cast(placed.open_amount as {{ type_money() }}) as open_amount,
    cast(case when placed.item_type = 'invoice' then placed.days_past_due end as integer) as days_past_due,
    placed.bucket_number,
    case placed.bucket_number
        when 0 then 'unapplied'
        when 1 then 'current'
        when 2 then cast(edge_1 + 1 as {{ dbt.type_string() }}) || '-' || cast(edge_2 as {{ dbt.type_string() }})
        when 3 then cast(edge_2 + 1 as {{ dbt.type_string() }}) || '-' || cast(edge_3 as {{ dbt.type_string() }})
        when 4 then cast(edge_3 + 1 as {{ dbt.type_string() }}) || '-' || cast(edge_4 as {{ dbt.type_string() }})
        else cast(edge_4 + 1 as {{ dbt.type_string() }}) || '+'
    end as bucket
from placed
left join {{ ref('int_customer_record__clustered') }} as customer
    on placed.source_customer_id = customer.record_key
