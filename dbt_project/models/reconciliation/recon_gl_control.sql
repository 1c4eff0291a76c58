-- Twice: in the documents' currencies, and in the functional currency of each legal entity.
{%- set bases = [('document', 'currency', ''), ('functional', 'functional_currency', 'functional_')] %}
with aging as (
    {%- for basis, currency, prefix in bases %}
    select '{{ basis }}' as basis, legal_entity_id, {{ currency }} as currency, sum({{ prefix }}open_amount) as aging_total
    from {{ ref('fct_ar_aging') }}
    group by legal_entity_id, {{ currency }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- documents with nothing open but in functional currency: revalued, or settled at a rate that is not realised yet
unrealised as (
    select
        document.legal_entity_id,
        document.functional_currency as currency,
        sum(balance.functional_open_amount) as unrealised
    from {{ ref('int_document_balance') }} as balance
    inner join {{ ref('int_receivable_document') }} as document on balance.document_id = document.document_id
    where balance.open_amount = 0
    group by document.legal_entity_id, document.functional_currency
),

events as (
    select
        event.legal_entity_id,
        event.currency,
        event.functional_currency,
        sum(event.amount) as amount,
        sum(event.functional_amount) as functional_amount,
        sum(case when event.amount = 0 and (event.event_key like 'difference:%' or event.event_key like 'rounding:%') then event.functional_amount else 0 end)
            as realised
    from {{ ref('fct_receivable_event') }} as event
    inner join {{ ref('dim_legal_entity') }} as entity
        on event.legal_entity_id = entity.legal_entity_id and event.business_date <= entity.as_of_date
    group by event.legal_entity_id, event.currency, event.functional_currency
),

subledger as (
    {%- for basis, currency, prefix in bases %}
    select
        '{{ basis }}' as basis,
        legal_entity_id,
        {{ currency }} as currency,
        sum({{ prefix }}amount) as subledger,
        sum({{ 'realised' if prefix else '0' }}) as realised
    from events
    group by legal_entity_id, {{ currency }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

movements as (
    select
        movement.legal_entity_id,
        movement.currency,
        coalesce(entity.functional_currency, movement.currency) as functional_currency,
        sum(movement.amount) as amount,
        sum(movement.functional_amount) as functional_amount
    from {{ ref('fct_gl_control_movement') }} as movement
    inner join {{ ref('dim_legal_entity') }} as entity
        on movement.legal_entity_id = entity.legal_entity_id and movement.posting_date <= entity.as_of_date
    group by movement.legal_entity_id, movement.currency, coalesce(entity.functional_currency, movement.currency)
),

control as (
    {%- for basis, currency, prefix in bases %}
    select '{{ basis }}' as basis, legal_entity_id, {{ currency }} as currency, sum({{ prefix }}amount) as gl_control
    from movements
    group by legal_entity_id, {{ currency }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

keys as (
    {%- for part in ['aging', 'subledger', 'control'] %}
    select basis, legal_entity_id, currency from {{ part }} where currency is not null
    {% if not loop.last %}union{% endif %}
    {%- endfor %}
),

footed as (
    select
        keys.basis,
        keys.legal_entity_id,
        keys.currency,
        entity.name as legal_entity_name,
        entity.as_of_date,
        coalesce(aging.aging_total, 0) as aging_total,
        coalesce(unrealised.unrealised, 0) as unrealised,
        coalesce(subledger.subledger, 0) as subledger,
        coalesce(subledger.realised, 0) as realised,
        -- extracts carry no general ledger: there the aging foots to the sub-ledger alone
        case when connection.vendor = 'files' then null else coalesce(control.gl_control, 0) end as gl_control
    from keys
    left join {{ ref('dim_legal_entity') }} as entity on keys.legal_entity_id = entity.legal_entity_id
    left join {{ ref('stg_arsync__connection') }} as connection on entity.connection = connection.connection
    {%- for part in ['aging', 'subledger', 'control'] %}
    left join {{ part }}
        on keys.basis = {{ part }}.basis
        and keys.legal_entity_id = {{ part }}.legal_entity_id
        and keys.currency = {{ part }}.currency
    {%- endfor %}
    left join unrealised
        on keys.basis = 'functional'
        and keys.legal_entity_id = unrealised.legal_entity_id
        and keys.currency = unrealised.currency
)

select
    legal_entity_id || ':' || currency || case when basis = 'functional' then ':functional' else '' end as gl_control_id,
    basis,
    legal_entity_id,
    legal_entity_name,
    currency,
    as_of_date,
    cast(aging_total as {{ type_total() }}) as aging_total,
    cast(unrealised as {{ type_total() }}) as unrealised,
    cast(subledger as {{ type_total() }}) as subledger,
    cast(realised as {{ type_total() }}) as realised,
    cast(gl_control as {{ type_total() }}) as gl_control,
    cast(
        greatest(
            abs(aging_total + unrealised - subledger), abs(aging_total + unrealised - coalesce(gl_control, aging_total + unrealised)),
            abs(subledger - coalesce(gl_control, subledger))
        ) as {{ type_total() }}
    ) as difference,
    'finance_systems' as owner,
    false as is_repairable
from footed
