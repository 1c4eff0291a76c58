{%- set inputs = [['fct_receivable_event', 'document_id']] + item_inputs() -%}
{%- set settings = [
    ['dim_legal_entity', ['legal_entity_id', 'as_of_date', 'edge_1', 'edge_2', 'edge_3', 'edge_4', 'aging_basis', 'is_elimination', 'functional_currency']],
    ['int_intercompany_customer', ['source_customer_id']],
] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    meta={'added': ['functional_open_amount', 'disputed_amount']},
    pre_hook="{{ forget_aged(" ~ inputs ~ ", " ~ settings ~ ") }}",
    post_hook="{{ write_seen(" ~ inputs ~ ", " ~ settings ~ ", true) }}"
) }}

-- what changed is gone by now: documents without rows are to be aged, whatever the reason
with balances as (
    select document_id, open_amount, functional_open_amount
    from {{ ref('int_document_balance') }}
    where open_amount <> 0
        {% if rows_stand(settings) %}and document_id not in (select document_id from {{ this }}){% endif %}
),

open_items as (
    select
        item.*,
        balance.open_amount as document_open_amount,
        balance.functional_open_amount as document_functional_open_amount,
        document.disputed_amount as document_disputed_amount,
        sum(item.amount) over (partition by item.document_id) as document_amount,
        sum(item.amount) over (
            partition by item.document_id order by item.item_number rows unbounded preceding
        ) - item.amount as amount_before
    from {{ ref('fct_receivable_item') }} as item
    inner join balances as balance on item.document_id = balance.document_id
    left join {{ ref('int_receivable_document') }} as document
        on item.document_id = document.document_id and document.disputed_amount > 0
),

customers as (
    select
        record.record_key as source_customer_id,
        record.customer_id,
        intercompany.source_customer_id is not null as is_intercompany
    from {{ ref('int_customer_record__clustered') }} as record
    left join {{ ref('int_intercompany_customer') }} as intercompany on record.record_key = intercompany.source_customer_id
),

{{ aged_items('open_items', ref('dim_legal_entity'), 'customers') }}
