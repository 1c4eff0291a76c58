-- depends_on: {{ ref('int_receivable_document') }}
{%- set inputs = item_inputs() -%}
{%- set columns = [
    'document_id', 'item_type', 'item_number', 'item_count', 'source_customer_id', 'legal_entity_id', 'currency',
    'document_date', 'due_date', 'amount', 'document_amount', 'amount_before'
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='item_version_id',
    on_schema_change='fail',
    full_refresh=false,
    pre_hook="{{ keep_changed(" ~ inputs ~ ") }}",
    post_hook=["{{ write_seen(" ~ inputs ~ ") }}", "{{ write_run() }}"]
) }}

with {% if is_incremental() %}
{%- for name, relation in [
    ('items', ref('fct_receivable_item')), ('documents', ref('int_receivable_document')), ('versions', this)
] -%}
{{ name }} as (
    select * from {{ relation }} where document_id in ({{ changed_keys(inputs) }})
),

{% endfor %}
{%- endif -%}
current_items as (
    select
        item.*,
        cast(sum(item.amount) over (partition by item.document_id) as {{ type_money() }}) as document_amount,
        cast(
            sum(item.amount) over (
                partition by item.document_id order by item.item_number rows unbounded preceding
            ) - item.amount as {{ type_money() }}
        ) as amount_before,
        {% if is_incremental() %}
        document.known_at as loaded_at,
        item.document_id not in (select document_id from versions) as is_new_document
    from items as item
    inner join documents as document on item.document_id = document.document_id
        {% else %}
        cast(null as timestamp) as loaded_at
    from {{ ref('fct_receivable_item') }} as item
        {% endif %}
)

{%- if is_incremental() %},

open_versions as (
    select * from versions where known_until = {{ never() }}
),

runs as (select {{ last_run(ever()) }} as last_run)
{%- endif %}

{#- a document that is new is in the ledger since it is known; an instalment that is new to an old one is not -#}
{{ versions_of(
    'item_id', columns, 'current_items', 'open_versions',
    'case when now.is_new_document then ' ~ ever() ~ ' else ' ~ learned_at('now.loaded_at') ~ ' end'
) }}
