with aging as (
    select legal_entity_id, currency, sum(open_amount) as aging_total
    from {{ ref('fct_ar_aging') }}
    group by legal_entity_id, currency
),

subledger as (
    select event.legal_entity_id, event.currency, sum(event.amount) as subledger
    from {{ ref('fct_receivable_event') }} as event
    inner join {{ ref('dim_legal_entity') }} as entity
        on event.legal_entity_id = entity.legal_entity_id and event.business_date <= entity.as_of_date
    group by event.legal_entity_id, event.currency
),

control as (
    select movement.legal_entity_id, movement.currency, sum(movement.amount) as gl_control
    from {{ ref('fct_gl_control_movement') }} as movement
    inner join {{ ref('dim_legal_entity') }} as entity
        on movement.legal_entity_id = entity.legal_entity_id and movement.posting_date <= entity.as_of_date
    group by movement.legal_entity_id, movement.currency
),

keys as (
    select legal_entity_id, currency from aging
    union
    select legal_entity_id, currency from subledger
    union
    select legal_entity_id, currency from control
),

footed as (
    select
        keys.legal_entity_id,
        keys.currency,
        entity.name as legal_entity_name,
        entity.as_of_date,
        coalesce(aging.aging_total, 0) as aging_total,
        coalesce(subledger.subledger, 0) as subledger,
        -- extracts carry no general ledger: there the aging foots to the sub-ledger alone
        case when connection.vendor = 'files' then null else coalesce(control.gl_control, 0) end as gl_control
    from keys
    left join {{ ref('dim_legal_entity') }} as entity on keys.legal_entity_id = entity.legal_entity_id
    left join {{ ref('stg_arsync__connection') }} as connection on entity.connection = connection.connection
    left join aging on keys.legal_entity_id = aging.legal_entity_id and keys.currency = aging.currency
    left join subledger on keys.legal_entity_id = subledger.legal_entity_id and keys.currency = subledger.currency
    left join control on keys.legal_entity_id = control.legal_entity_id and keys.currency = control.currency
)

select
    legal_entity_id || ':' || currency as gl_control_id,
    legal_entity_id,
    legal_entity_name,
    currency,
    as_of_date,
    cast(aging_total as {{ type_total() }}) as aging_total,
    cast(subledger as {{ type_total() }}) as subledger,
    cast(gl_control as {{ type_total() }}) as gl_control,
    cast(
        greatest(
            abs(aging_total - subledger), abs(aging_total - coalesce(gl_control, aging_total)),
            abs(subledger - coalesce(gl_control, subledger))
        ) as {{ type_total() }}
    ) as difference,
    'finance_systems' as owner,
    false as is_repairable
from footed
