{# What makes a warehouse of an earlier version one of this: columns added since, with what can be told of old rows. #}

{# Whether the ledger is one of an earlier version, which knew no functional amounts. #}
{% macro lacks_functional_amounts() -%}
{%- if not execute or not is_incremental() -%}{{ return(false) }}{%- endif -%}
{{ return('functional_amount' not in adapter.get_columns_in_relation(this) | map(attribute='name') | list) }}
{%- endmacro %}

{# pre-hook of the ledger: what its lines come to at their documents' own rates. The run compares the lines of foreign
   documents and says anew what is otherwise, and what was realised; nothing can be told of documents that are gone. #}
{% macro take_in_functional_amounts() -%}
{%- if lacks_functional_amounts() -%}
alter table {{ this }} add column functional_amount {{ arsync.type_money() }};
alter table {{ this }} add column functional_currency {{ dbt.type_string() }};
update {{ this }} as held
set functional_currency = document.functional_currency,
    functional_amount = case
        when document.currency = document.functional_currency then held.amount
        when document.amount <> 0 then
            {{ arsync.convert_money('held.amount', 'abs(document.functional_amount)', 'abs(document.amount)', 'document.minor_unit') }}
    end
from (
    select known.document_id, known.currency, known.amount, known.functional_currency, known.functional_amount, iso.minor_unit
    from {{ ref('int_receivable_document') }} as known
    left join {{ ref('iso_currency') }} as iso on known.functional_currency = iso.currency
) as document
where held.document_id = document.document_id
{%- endif -%}
{%- endmacro %}

{# pre-hook of the legal entities' history: the time zone of a version of an earlier release is taken to be today's. #}
{% macro take_in_time_zones() -%}
{%- if execute and is_incremental()
    and 'time_zone' not in adapter.get_columns_in_relation(this) | map(attribute='name') | list -%}
alter table {{ this }} add column time_zone {{ dbt.type_string() }};
update {{ this }} as held
set time_zone = entity.time_zone
from {{ ref('dim_legal_entity') }} as entity
where held.legal_entity_id = entity.legal_entity_id
{%- endif -%}
{%- endmacro %}

{# on-run-start: tables of an earlier version, which lack a column that their model names as `added`, or have it of another
   type than is named with it, are built anew. #}
{% macro drop_outdated() -%}
{%- if execute -%}
{%- for node in graph.nodes.values() if node.unique_id in selected_resources and node.config.get('meta', {}).get('added') -%}
    {%- set held = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
    {%- if held is not none -%}
        {%- set columns = [] -%}
        {%- for column in adapter.get_columns_in_relation(held) -%}
            {%- do columns.extend([column.name, column.name ~ ' ' ~ column.data_type | lower]) -%}
        {%- endfor -%}
        {%- if node.config.meta.added | reject('in', columns) | list -%}
            {%- do adapter.drop_relation(held) -%}
            {%- call statement('ended', auto_begin=true) -%} select 1 {%- endcall -%}
            {%- do adapter.commit() -%}
        {%- endif -%}
    {%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro %}
