{#- what a page read before another page cannot know: an entry is missed only where later ones were read -#}
{%- set counted = "status not in ('failed', 'canceled')" -%}

with entries as (
    select
        entry.*,
        {{ stripe_digits('entry.currency', 'iso.minor_unit') }} as digits
    from {{ ref('stg_stripe__balance_transaction') }} as entry
    inner join {{ ref('iso_currency') }} as iso on entry.currency = iso.currency
),

read_until as (
    select connection, max(created_at) as created_at from entries group by connection
),

refunds as (
    select
        refund.*,
        {{ stripe_digits('refund.currency', 'iso.minor_unit') }} as digits
    from {{ ref('stg_stripe__refund') }} as refund
    inner join {{ ref('iso_currency') }} as iso on refund.currency = iso.currency
    where refund.{{ counted }}
),

refunded as (
    select connection, charge_id, sum(amount_minor) as amount_minor
    from refunds
    group by connection, charge_id
),

charges as (
    select
        charge.*,
        {{ stripe_digits('charge.currency', 'iso.minor_unit') }} as digits
    from {{ ref('stg_stripe__charge') }} as charge
    inner join {{ ref('iso_currency') }} as iso on charge.currency = iso.currency
    where charge.status = 'succeeded' and charge.captured_minor > 0
),

-- what should stand in the processor's own ledger, and with which sign
expected as (
    select
        connection,
        'charge' as object,
        charge_id as business_key,
        customer_id,
        balance_transaction_id,
        currency,
        digits,
        captured_minor as amount_minor,
        created_at
    from charges

    union all

    select
        refunds.connection,
        'refund' as object,
        refunds.refund_id as business_key,
        charges.customer_id,
        refunds.balance_transaction_id,
        refunds.currency,
        refunds.digits,
        -refunds.amount_minor as amount_minor,
        refunds.created_at
    from refunds
    left join charges on refunds.connection = charges.connection and refunds.charge_id = charges.charge_id
),

payouts as (
    select
        payout.*,
        {{ stripe_digits('payout.currency', 'iso.minor_unit') }} as digits
    from {{ ref('stg_stripe__payout') }} as payout
    inner join {{ ref('iso_currency') }} as iso on payout.currency = iso.currency
    where payout.{{ counted }}
),

-- what each automatic payout pays out, as the processor attributes it
payout_parts as (
    select connection, payout_id, sum(net_minor) as net_minor
    from {{ ref('stg_stripe__payout_transaction') }}
    where type <> 'payout'
    group by connection, payout_id
),

parts_until as (
    select payout.connection, max(payout.created_at) as created_at
    from payouts as payout
    inner join payout_parts on payout.connection = payout_parts.connection and payout.payout_id = payout_parts.payout_id
    group by payout.connection
),

payout_entries as (
    select connection, source_id, sum(net_minor) as net_minor
    from entries
    where type = 'payout'
    group by connection, source_id
)

-- the fee is what lies between gross and net
select
    'fee:' || connection || ':' || balance_transaction_id as finding_id,
    'different' as finding,
    connection,
    balance_transaction_id as business_key,
    'fee' as object,
    cast(null as {{ dbt.type_string() }}) as processor_customer_id,
    {{ from_minor('abs(amount_minor - fee_minor - net_minor)', 'digits') }} as amount,
    currency,
    type || ' ' || coalesce(source_id, balance_transaction_id) || ': gross less fee is not net' as detail
from entries
where amount_minor - fee_minor <> net_minor

union all

select
    'settled:' || expected.connection || ':' || expected.business_key as finding_id,
    case when entries.balance_transaction_id is null then 'missing' else 'different' end as finding,
    expected.connection,
    expected.business_key,
    expected.object,
    expected.customer_id as processor_customer_id,
    {{ from_minor('abs(expected.amount_minor - coalesce(entries.amount_minor, 0))', 'expected.digits') }} as amount,
    expected.currency,
    case
        when entries.balance_transaction_id is null
            then expected.object || ' has no entry ' || expected.balance_transaction_id || ' in the balance of the processor'
        else expected.object || ' and its entry ' || expected.balance_transaction_id || ' in the balance differ'
    end as detail
from expected
inner join read_until on expected.connection = read_until.connection
left join entries
    on expected.connection = entries.connection
    and expected.balance_transaction_id = entries.balance_transaction_id
where expected.balance_transaction_id is not null
    and (
        (entries.balance_transaction_id is null and expected.created_at < read_until.created_at)
        -- settled in another currency there is nothing to compare
        or (entries.currency = expected.currency and entries.amount_minor <> expected.amount_minor)
    )

union all

select
    'refunds:' || charges.connection || ':' || charges.charge_id as finding_id,
    'different' as finding,
    charges.connection,
    charges.charge_id as business_key,
    'refund' as object,
    charges.customer_id as processor_customer_id,
    {{ from_minor('abs(charges.refunded_minor - coalesce(refunded.amount_minor, 0))', 'charges.digits') }} as amount,
    charges.currency,
    'what the charge says was refunded is not the sum of its refunds' as detail
from charges
left join refunded on charges.connection = refunded.connection and charges.charge_id = refunded.charge_id
where charges.refunded_minor <> coalesce(refunded.amount_minor, 0)

union all

select
    'payout:' || payouts.connection || ':' || payouts.payout_id as finding_id,
    case when payout_entries.net_minor is null then 'missing' else 'different' end as finding,
    payouts.connection,
    payouts.payout_id as business_key,
    'payout' as object,
    cast(null as {{ dbt.type_string() }}) as processor_customer_id,
    {{ from_minor('abs(payouts.amount_minor + coalesce(payout_entries.net_minor, 0))', 'payouts.digits') }} as amount,
    payouts.currency,
    'payout does not equal its balance transaction' as detail
from payouts
left join payout_entries
    on payouts.connection = payout_entries.connection and payouts.payout_id = payout_entries.source_id
where payouts.amount_minor + coalesce(payout_entries.net_minor, 0) <> 0

union all

select
    'payout_parts:' || payouts.connection || ':' || payouts.payout_id as finding_id,
    case when payout_parts.net_minor is null then 'missing' else 'different' end as finding,
    payouts.connection,
    payouts.payout_id as business_key,
    'payout' as object,
    cast(null as {{ dbt.type_string() }}) as processor_customer_id,
    {{ from_minor('abs(payouts.amount_minor - coalesce(payout_parts.net_minor, 0))', 'payouts.digits') }} as amount,
    payouts.currency,
    'payout is not the sum of the balance transactions in it' as detail
from payouts
inner join parts_until on payouts.connection = parts_until.connection
left join payout_parts
    on payouts.connection = payout_parts.connection and payouts.payout_id = payout_parts.payout_id
where payouts.is_automatic
    and payouts.amount_minor <> coalesce(payout_parts.net_minor, 0)
    and (payout_parts.net_minor is not null or payouts.created_at < parts_until.created_at)
