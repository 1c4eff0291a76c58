with first_seen as (
    select dispute_id, min(known_at) as known_at
    from {{ ref('fct_dispute_history') }}
    group by dispute_id
),

disputes as (
    select
        dispute.*,
        cast(coalesce(
            dispute.opened_at, case when first_seen.known_at > {{ ever() }} then first_seen.known_at end
        ) as date) as opened_date,
        coalesce(entity.as_of_date, policy.as_of_date) as as_of_date
    from {{ ref('fct_dispute') }} as dispute
    cross join {{ ref('stg_arsync__policy') }} as policy
    left join first_seen on dispute.dispute_id = first_seen.dispute_id
    left join {{ ref('dim_legal_entity') }} as entity on dispute.legal_entity_id = entity.legal_entity_id
    where dispute.disputed_open_amount > 0
),

aged as (
    select disputes.*, {{ dbt.datediff('opened_date', 'as_of_date', 'day') }} as age from disputes
)

select
    raised_in || '|' || coalesce(legal_entity_id, '') || '|' || currency as dispute_aging_id,
    raised_in,
    legal_entity_id,
    currency,
    count(*) as disputes,
    {%- for column, condition in [
        ['days_0_30_amount', 'age <= 30'],
        ['days_31_60_amount', 'age between 31 and 60'],
        ['days_61_90_amount', 'age between 61 and 90'],
        ['days_91_plus_amount', 'age >= 91'],
        ['unknown_age_amount', 'age is null'],
        ['disputed_open_amount', 'true'],
    ] %}
    cast(sum(case when {{ condition }} then disputed_open_amount else 0 end) as {{ type_total() }}) as {{ column }},
    {%- endfor %}
    min(opened_date) as oldest_opened_date
from aged
group by raised_in, legal_entity_id, currency
