with recursive parent_records as (
    select
        account.connection || ':' || account.account_id as record_key,
        account.connection || ':' || account.parent_id as parent_record_key,
        0 as preference
    from {{ ref('stg_salesforce__account') }} as account
    where account.parent_id is not null and not account.is_deleted

    union all

    select source_customer_id, parent_source_customer_id, 1 as preference
    from {{ ref('int_erp_customer') }}
    where parent_source_customer_id is not null and not is_deleted
),

ranked as (
    select
        child.customer_id as child_id,
        parent.customer_id as parent_id,
        row_number() over (
            partition by child.customer_id order by parent_records.preference, parent.first_seq
        ) as position
    from parent_records
    inner join {{ ref('int_customer_record__clustered') }} as child on parent_records.record_key = child.record_key
    inner join {{ ref('int_customer_record__clustered') }} as parent
        on parent_records.parent_record_key = parent.record_key
    where child.customer_id <> parent.customer_id
),

parents as (
    select child_id, parent_id from ranked where position = 1
),

-- twelve levels end every cycle; the shortest way counts
ancestors as (
    select customer_id as ancestor_id, customer_id as descendant_id, 0 as distance
    from {{ ref('dim_customer') }}

    union all

    select parents.parent_id as ancestor_id, ancestors.descendant_id, ancestors.distance + 1 as distance
    from ancestors
    inner join parents on ancestors.ancestor_id = parents.child_id
    where ancestors.distance < 12
)

select
    ancestor_id as ancestor_customer_id,
    descendant_id as descendant_customer_id,
    cast(min(distance) as integer) as distance
from ancestors
group by ancestor_id, descendant_id
