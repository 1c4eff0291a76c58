{%- set inputs = [['fct_receivable_event', 'document_id']] -%}
{%- set settings = [['dim_legal_entity', ['legal_entity_id', 'as_of_date']]] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    meta={'added': ['functional_open_amount']},
    pre_hook="{{ forget_changed(['document_id'], " ~ inputs ~ ", " ~ settings ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ", " ~ settings ~ ") }}"
) }}

-- only documents with something left open at the as-of date: everything else is settled or not yet posted; what is open in
-- the legal entity's currency alone, a revaluation or what no settlement has realised yet, is in no aging
select
    event.document_id,
    cast(sum(event.amount) as {{ type_money() }}) as open_amount,
    cast(sum(event.functional_amount) as {{ type_money() }}) as functional_open_amount
from {{ ref('fct_receivable_event') }} as event
inner join {{ ref('dim_legal_entity') }} as entity
    on event.legal_entity_id = entity.legal_entity_id and event.business_date <= entity.as_of_date
{% if rows_stand(settings) %}where event.document_id in ({{ changed_keys(inputs) }}){% endif %}
group by event.document_id
having sum(event.amount) <> 0 or sum(event.functional_amount) <> 0
