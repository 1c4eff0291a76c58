{# Tables of golden customers of which only those are made anew that anything moved for: an event or an item of the
   ledger, an invoice. What customers themselves are is a setting: when any of them changes, all rows are made anew. #}

{% macro customer_settings() -%}
{{ return([
    ['dim_legal_entity', ['legal_entity_id', 'as_of_date', 'edge_1', 'edge_2', 'edge_3', 'edge_4', 'aging_basis', 'is_elimination']],
    ['int_intercompany_customer', ['source_customer_id']],
    ['int_customer_record__clustered', ['record_key', 'customer_id']],
    ['int_erp_customer', [
        'source_customer_id', 'number', 'legal_entity_id', 'currency', 'credit_limit', 'is_on_credit_hold', 'payment_terms', 'is_deleted'
    ]],
    ['dim_customer', ['customer_id', 'erp_customer_number', 'currency', 'erp_customer_count']],
    ['int_unbilled_order', ['customer_id', 'legal_entity_id', 'currency', 'unbilled_order_amount']],
]) }}
{%- endmacro %}

{% macro rollup_settings() -%}
{{ return(arsync.customer_settings() + [
    ['stg_arsync__policy', ['as_of_date']],
    ['iso_currency', ['currency', 'minor_unit']],
    ['int_reporting_rate', ['currency', 'rate']],
]) }}
{%- endmacro %}

{% macro customer_inputs() -%}{{ return(arsync.moved_inputs() + arsync.item_inputs()) }}{%- endmacro %}

{# pre-hook; `also` is SQL that selects further customers whose rows are made anew #}
{% macro forget_moved_customers(settings, also='') -%}
{%- if is_incremental() -%}
{%- set moved -%}
select coalesce(record.customer_id, moved.changed_key) as changed_key
from ({{ arsync.find_moved_customers() }}) as moved
left join {{ ref('int_customer_record__clustered') }} as record on moved.changed_key = record.record_key
{%- if also %}
union
{{ also }}
{%- endif %}
{%- endset -%}
{{ arsync.keep_keys('changed', moved) }}
delete from {{ this }}
{%- if arsync.rows_stand(settings) %}
where customer_id in ({{ arsync.changed_keys(arsync.customer_inputs()) }})
{%- endif -%}
{%- endif -%}
{%- endmacro %}

{# pre-hook of ar_customer_rollup, which tells the last payment: one of nothing leaves no event to tell that it changed, in
   the ledger of the customer that it was of #}
{% macro forget_rolled_up(settings) -%}
{%- set payments -%}
select customer_id as changed_key from {{ this }} where last_payment_date is not null and coalesce(last_payment_amount, 0) = 0
union
select customer_id as changed_key from {{ ref('fct_payment') }} where payment_id in ({{ arsync.find_changed_keys(arsync.item_inputs()) }})
{%- endset -%}
{{ arsync.forget_moved_customers(settings, payments) }}
{%- endmacro %}
