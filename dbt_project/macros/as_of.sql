{# Receivables of any business date as known at any time: table functions of the published snapshot.

   Their text is made here, from the arithmetic of aging.sql, and kept as rows of ar_function; publishing creates them in
   the snapshot. Tables go by their published names. `as_of` null: the as-of date of each legal entity. `known_at` null:
   all that is known; an instant; a date: until that day ended where the legal entity is. #}

{# a number for each document, those of a customer side by side #}
{% macro document_numbers() -%}
select
    item.document_id,
    cast(
        row_number() over (order by min(coalesce(history.customer_id, item.source_customer_id)), item.document_id)
        as integer
    ) as document_no
from {{ ref('fct_receivable_item_history') }} as item
left join {{ ref('bridge_customer_history') }} as history
    on item.source_customer_id = history.source_customer_id and history.known_until = {{ arsync.never() }}
group by item.document_id
{%- endmacro %}

{# pre-hook of ar_aging_daily: a day is shown as its last build saw it #}
{% macro forget_last_day() -%}
{%- if is_incremental() -%}
delete from {{ this }}
where exists (
    select 1
    from {{ ref('dim_legal_entity') }} as entity
    where entity.legal_entity_id = {{ this }}.legal_entity_id
        and entity.as_of_date = {{ this }}.as_of_date
        and entity.as_of_date >= (select max(last.as_of_date) from {{ this }} as last where last.legal_entity_id = entity.legal_entity_id)
)
{%- endif -%}
{%- endmacro %}

{# CTE `asked`: the date and the time that the question means for each legal entity #}
{% macro asked_of_entities() -%}
asked as (
    select
        entity.legal_entity_id,
        entity.functional_currency,
        entity.functional_minor_unit,
        coalesce(cast(as_of as date), entity.as_of_date) as as_of_date,
        case typeof(known_at)
            when 'DATE' then
                timezone('UTC', timezone(entity.time_zone, cast(try_cast(known_at as date) + 1 as timestamp)))
                - interval '1 microsecond'
            when 'TIMESTAMP WITH TIME ZONE' then timezone('UTC', try_cast(known_at as timestamptz))
            else coalesce(cast(known_at as timestamp), timestamp '9999-12-30 00:00:00')
        end as asked_at
    from dim_legal_entity as entity
)
{%- endmacro %}

{% macro aging_as_of(only_customer) -%}
with {{ arsync.asked_of_entities() }},

{% if only_customer -%}
-- materialized: so the engine reads the customer's part of the ledger only
documents as materialized (
    select item.document_no
    from ar_ledger_item as item
    where item.source_customer_id in (
        select history.source_customer_id from bridge_customer_history as history
        where history.customer_id = of_customer_id
        union all
        select cast(of_customer_id as varchar)
    )
),

lines as materialized (
    select * from ar_ledger_line where document_no in (select document_no from documents)
),
{%- endif %}

balances as (
    select
        line.document_no,
        sum(line.amount) as document_open_amount,
        sum(line.functional_amount) as document_functional_open_amount
    from {{ 'lines' if only_customer else 'ar_ledger_line' }} as line
    inner join asked
        on line.legal_entity_id = asked.legal_entity_id
        and line.business_date <= asked.as_of_date
        and line.known_at <= asked.asked_at
    group by line.document_no
    having sum(line.amount) <> 0
),

-- a dispute has no business date at the ERP: only what was known of it counts
disputes as (
    select
        substr(dispute.dispute_id, length('invoice:') + 1) as document_id, dispute.disputed_amount, dispute.known_at,
        dispute.known_until
    from fct_dispute_history as dispute
    where dispute.dispute_id like 'invoice:%' and dispute.disputed_amount > 0
),

open_items as (
    select
        item.*,
        balances.document_open_amount,
        balances.document_functional_open_amount,
        disputes.disputed_amount as document_disputed_amount,
        asked.asked_at
    from ar_ledger_item as item
    inner join balances on item.document_no = balances.document_no
    inner join asked
        on item.legal_entity_id = asked.legal_entity_id
        and item.known_at <= asked.asked_at
        and item.known_until > asked.asked_at
    left join disputes
        on item.document_id = disputes.document_id
        and disputes.known_at <= asked.asked_at
        and disputes.known_until > asked.asked_at
),

entities as (
    select
        asked.legal_entity_id, asked.as_of_date, asked.functional_currency, asked.functional_minor_unit,
        history.* exclude (legal_entity_id)
    from asked
    inner join dim_legal_entity_history as history
        on asked.legal_entity_id = history.legal_entity_id
        and history.known_at <= asked.asked_at
        and history.known_until > asked.asked_at
),

{{ arsync.aged_items('open_items', 'entities', 'bridge_customer_history',
    'customer.known_at <= settled.asked_at and customer.known_until > settled.asked_at'
) }}
{%- if only_customer %}
where placed.customer_id = of_customer_id
{%- endif %}
{%- endmacro %}

{% macro as_of_functions() -%}
{%- set asked = 'as_of := null, known_at := null' -%}
{%- set functions = [
    {
        'name': 'ar_aging',
        'parameters': asked,
        'description': 'One row per item open at a business date, as known at a time.',
        'body': arsync.aging_as_of(false),
    },
    {
        'name': 'ar_aging_of_customer',
        'parameters': 'of_customer_id, ' ~ asked,
        'description': 'The open items of one customer at a business date, as known at a time.',
        'body': arsync.aging_as_of(true),
    },
] -%}
{%- for name, keys, grain in [
    ['customer', ['customer_id', 'legal_entity_id', 'currency'], 'customer, legal entity and currency'],
    ['legal_entity', ['legal_entity_id', 'currency'], 'legal entity and currency'],
    ['currency', ['currency'], 'currency'],
] -%}
{%- set body -%}
select
    {% for key in keys %}aging.{{ key }}, {% endfor %}
    max(aging.as_of_date) as as_of_date,{{ arsync.bucket_totals() }}
from ar_aging(as_of, known_at) as aging
group by {% for key in keys %}aging.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
{%- endset -%}
{%- do functions.append({
    'name': 'ar_aging_by_' ~ name,
    'parameters': asked,
    'description': 'Aging per ' ~ grain ~ ' at a business date, as known at a time.',
    'body': body,
}) -%}
{%- endfor -%}
{%- set by_group -%}
select
    link.ancestor_customer_id, aging.currency, max(aging.as_of_date) as as_of_date,{{ arsync.bucket_totals() }}
from ar_aging(as_of, known_at) as aging
inner join bridge_customer_hierarchy as link on aging.customer_id = link.descendant_customer_id
group by link.ancestor_customer_id, aging.currency
{%- endset -%}
{%- do functions.append({
    'name': 'ar_aging_by_hierarchy',
    'parameters': asked,
    'description': 'Aging per group of companies (as it is today) and currency; a group holds its members once.',
    'body': by_group,
}) -%}
{%- set balance -%}
with {{ arsync.asked_of_entities() }},

balances as (
    select
        event.document_id, event.source_customer_id, event.legal_entity_id, event.currency, asked.as_of_date,
        asked.asked_at, event.functional_currency, sum(event.amount) as open_amount,
        sum(event.functional_amount) as functional_open_amount
    from fct_receivable_event as event
    inner join asked
        on event.legal_entity_id = asked.legal_entity_id
        and event.business_date <= asked.as_of_date
        and event.known_at <= asked.asked_at
    group by all
    having sum(event.amount) <> 0 or sum(event.functional_amount) <> 0
)

select
    balances.document_id,
    coalesce(history.customer_id, balances.source_customer_id) as customer_id,
    balances.source_customer_id,
    balances.legal_entity_id,
    balances.currency,
    balances.as_of_date,
    cast(balances.open_amount as {{ arsync.type_money() }}) as open_amount,
    balances.functional_currency,
    cast(balances.functional_open_amount as {{ arsync.type_money() }}) as functional_open_amount
from balances
left join bridge_customer_history as history
    on balances.source_customer_id = history.source_customer_id
    and history.known_at <= balances.asked_at
    and history.known_until > balances.asked_at
{%- endset -%}
{%- do functions.append({
    'name': 'ar_balance',
    'parameters': asked,
    'description': 'One row per document with a balance at a business date, in its currency or the functional one, as known at a time: sums over the ledger.',
    'body': balance,
}) -%}
{%- set by_customer -%}
select
    balance.customer_id, balance.legal_entity_id, balance.currency, max(balance.as_of_date) as as_of_date,
    cast(sum(balance.open_amount) as {{ arsync.type_total() }}) as open_balance_amount
from ar_balance(as_of, known_at) as balance
where balance.open_amount <> 0
group by balance.customer_id, balance.legal_entity_id, balance.currency
{%- endset -%}
{%- do functions.append({
    'name': 'ar_balance_by_customer',
    'parameters': asked,
    'description': 'Balance per customer, legal entity and currency at a business date, as known at a time.',
    'body': by_customer,
}) -%}
{%- set tie_out -%}
with entities as (
    select entity.*, coalesce(cast(as_of as date), entity.as_of_date) as asked_date from dim_legal_entity as entity
),

aging as (
    select aging.legal_entity_id, aging.currency,{{ arsync.bucket_totals() }}
    from ar_aging(as_of) as aging
    group by aging.legal_entity_id, aging.currency
),

subledger as (
    select event.legal_entity_id, event.currency, sum(event.amount) as amount
    from fct_receivable_event as event
    inner join entities on event.legal_entity_id = entities.legal_entity_id and event.business_date <= entities.asked_date
    group by event.legal_entity_id, event.currency
),

control as (
    select movement.legal_entity_id, movement.currency, sum(movement.amount) as amount
    from fct_gl_control_movement as movement
    inner join entities
        on movement.legal_entity_id = entities.legal_entity_id and movement.posting_date <= entities.asked_date
    group by movement.legal_entity_id, movement.currency
),

ledgers as (
    select distinct split_part(legal_entity_id, ':', 1) as connection from fct_gl_control_movement
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
        keys.legal_entity_id, entities.name as legal_entity_name, keys.currency, entities.asked_date as as_of_date,
        coalesce(aging.open_balance_amount - aging.unapplied_amount, 0) as aging_amount,
        coalesce(aging.unapplied_amount, 0) as unapplied_amount,
        coalesce(aging.intercompany_amount, 0) as intercompany_amount,
        coalesce(subledger.amount, 0) as subledger_amount,
        case when ledgers.connection is not null then coalesce(control.amount, 0) end as gl_control_amount
    from keys
    inner join entities on keys.legal_entity_id = entities.legal_entity_id
    left join ledgers on entities.connection = ledgers.connection
    left join aging on keys.legal_entity_id = aging.legal_entity_id and keys.currency = aging.currency
    left join subledger on keys.legal_entity_id = subledger.legal_entity_id and keys.currency = subledger.currency
    left join control on keys.legal_entity_id = control.legal_entity_id and keys.currency = control.currency
)

select
    legal_entity_id, legal_entity_name, currency, as_of_date,
    cast(aging_amount as {{ arsync.type_total() }}) as aging_amount,
    cast(unapplied_amount as {{ arsync.type_total() }}) as unapplied_amount,
    cast(intercompany_amount as {{ arsync.type_total() }}) as intercompany_amount,
    cast(subledger_amount as {{ arsync.type_total() }}) as subledger_amount,
    cast(gl_control_amount as {{ arsync.type_total() }}) as gl_control_amount,
    cast(greatest(
        abs(aging_amount + unapplied_amount + intercompany_amount - subledger_amount),
        abs(subledger_amount - coalesce(gl_control_amount, subledger_amount))
    ) as {{ arsync.type_total() }}) as difference
from footed
{%- endset -%}
{%- do functions.append({
    'name': 'ar_tie_out',
    'parameters': 'as_of := null',
    'description': 'Per legal entity and currency at a business date: aging, unapplied and intercompany, sub-ledger, general ledger, difference.',
    'body': tie_out,
}) -%}
{%- set functional_tie_out -%}
with entities as (
    select entity.*, coalesce(cast(as_of as date), entity.as_of_date) as asked_date from dim_legal_entity as entity
),

aging as (
    select
        aging.legal_entity_id,
        aging.functional_currency,
        sum(case when aging.bucket_number > 0 then aging.functional_open_amount else 0 end) as aging_amount,
        sum(case when aging.bucket_number = 0 then aging.functional_open_amount else 0 end) as unapplied_amount,
        sum(case when aging.bucket_number < 0 then aging.functional_open_amount else 0 end) as intercompany_amount
    from ar_aging(as_of) as aging
    group by aging.legal_entity_id, aging.functional_currency
),

-- of documents with nothing open in their own currency: revalued, or settled at a rate that is not realised yet
unrealised as (
    select legal_entity_id, functional_currency, sum(functional_amount) as amount
    from (
        select event.legal_entity_id, event.functional_currency, sum(event.functional_amount) as functional_amount
        from fct_receivable_event as event
        inner join entities on event.legal_entity_id = entities.legal_entity_id and event.business_date <= entities.asked_date
        group by event.document_id, event.legal_entity_id, event.functional_currency
        having sum(event.amount) = 0 and sum(event.functional_amount) <> 0
    ) as documents
    group by legal_entity_id, functional_currency
),

subledger as (
    select
        event.legal_entity_id,
        event.functional_currency,
        sum(event.functional_amount) as amount,
        sum(case when event.amount = 0 and (event.event_key like 'difference:%' or event.event_key like 'rounding:%') then event.functional_amount else 0 end)
            as realised_amount
    from fct_receivable_event as event
    inner join entities on event.legal_entity_id = entities.legal_entity_id and event.business_date <= entities.asked_date
    group by event.legal_entity_id, event.functional_currency
),

control as (
    select
        movement.legal_entity_id,
        coalesce(entities.functional_currency, movement.currency) as functional_currency,
        sum(movement.functional_amount) as amount
    from fct_gl_control_movement as movement
    inner join entities
        on movement.legal_entity_id = entities.legal_entity_id and movement.posting_date <= entities.asked_date
    group by 1, 2
),

ledgers as (
    select distinct split_part(legal_entity_id, ':', 1) as connection from fct_gl_control_movement
),

keys as (
    select legal_entity_id, functional_currency from aging
    union
    select legal_entity_id, functional_currency from subledger where functional_currency is not null
    union
    select legal_entity_id, functional_currency from control
),

footed as (
    select
        keys.legal_entity_id, entities.name as legal_entity_name, keys.functional_currency,
        entities.asked_date as as_of_date,
        coalesce(aging.aging_amount, 0) as aging_amount,
        coalesce(aging.unapplied_amount, 0) as unapplied_amount,
        coalesce(aging.intercompany_amount, 0) as intercompany_amount,
        coalesce(unrealised.amount, 0) as unrealised_amount,
        coalesce(subledger.amount, 0) as subledger_amount,
        coalesce(subledger.realised_amount, 0) as realised_amount,
        case when ledgers.connection is not null then coalesce(control.amount, 0) end as gl_control_amount
    from keys
    inner join entities on keys.legal_entity_id = entities.legal_entity_id
    left join ledgers on entities.connection = ledgers.connection
    {%- for part in ['aging', 'unrealised', 'subledger', 'control'] %}
    left join {{ part }}
        on keys.legal_entity_id = {{ part }}.legal_entity_id and keys.functional_currency = {{ part }}.functional_currency
    {%- endfor %}
)

select
    legal_entity_id, legal_entity_name, functional_currency, as_of_date,
    {%- for part in ['aging', 'unapplied', 'intercompany', 'unrealised', 'subledger', 'gl_control', 'realised'] %}
    cast({{ part }}_amount as {{ arsync.type_total() }}) as {{ part }}_amount,
    {%- endfor %}
    cast(greatest(
        abs(aging_amount + unapplied_amount + intercompany_amount + unrealised_amount - subledger_amount),
        abs(subledger_amount - coalesce(gl_control_amount, subledger_amount))
    ) as {{ arsync.type_total() }}) as difference
from footed
{%- endset -%}
{%- do functions.append({
    'name': 'ar_tie_out_functional',
    'parameters': 'as_of := null',
    'description': 'The same per legal entity in its functional currency, with what is unrealised, and what of it was realised.',
    'body': functional_tie_out,
}) -%}
{%- set measures -%}
with recursive placed as (
    select coalesce(history.customer_id, moved.source_customer_id) as customer_id, moved.*
    from ar_receivable_month as moved
    left join bridge_customer_history as history
        on moved.source_customer_id = history.source_customer_id and history.known_until = {{ arsync.never() }}
    where coalesce(history.customer_id, moved.source_customer_id) = coalesce(
        of_customer_id, history.customer_id, moved.source_customer_id
    )
),

{{ arsync.measured_months('placed', 'dim_legal_entity', ['customer_id', 'legal_entity_id', 'currency']) }}

select customer_id, legal_entity_id, currency, {{ arsync.measure_columns() }}
from measured
{%- endset -%}
{%- do functions.append({
    'name': 'ar_measures_by_customer',
    'parameters': 'of_customer_id := null',
    'description': 'Measures per customer, legal entity, currency and month, as ar_measure_monthly gives them per legal entity.',
    'body': measures,
}) -%}
{{ return(functions) }}
{%- endmacro %}
