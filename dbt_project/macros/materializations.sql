{# Tables and views are replaced where they stand, in one transaction: a model that fails leaves the old one. dbt-duckdb
   builds beside it, renames both and drops the old one, and each of these steps costs dbt as much as the model itself.
   For the same reason hooks and model go to the engine together: dbt's own work for a statement, its events and its
   connection, costs more than most of these statements do. #}

{% materialization table, adapter='duckdb' %}
    {% set target = this.incorporate(type='table') %}
    {% call statement('main') %}
        {{ arsync.hooks_together(pre_hooks) }}
        {{ drop_what_stands() }}
        {{ create_table_as(False, target, compiled_code) }};
        {{ arsync.hooks_together(post_hooks) }}
    {% endcall %}
    {% do adapter.commit() %}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% materialization view, adapter='duckdb' %}
    {% set target = this.incorporate(type='view') %}
    {% call statement('main') %}
        {{ arsync.hooks_together(pre_hooks) }}
        {{ drop_what_stands() }}
        {{ create_view_as(target, compiled_code) }};
        {{ arsync.hooks_together(post_hooks) }}
    {% endcall %}
    {% do adapter.commit() %}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{# Rows are made in a temporary table, then put in place of those with the same `unique_key`, or beside what is there
   (strategy append). dbt-duckdb asks four times more what columns there are, and checks the contract anew, under
   which the table that stands was made: its columns are compared once. #}
{% materialization incremental, adapter='duckdb' %}
    {% set target = this.incorporate(type='table') %}
    {% if is_incremental() %}
        {% set fresh = this.identifier ~ '__fresh' %}
        {% call statement('fresh') %}
            {{ arsync.hooks_together(pre_hooks) }}
            create temporary table {{ fresh }} as {{ compiled_code }};
        {% endcall %}
        {% do arsync.agree_on_columns(fresh) %}
        {% call statement('main') %}
            {{ arsync.replace_rows(target, fresh, config.get('unique_key'), config.get('incremental_strategy')) }}
            drop table {{ fresh }};
            {{ arsync.hooks_together(post_hooks) }}
        {% endcall %}
    {% else %}
        {% call statement('main') %}
            {{ arsync.hooks_together(pre_hooks) }}
            {{ drop_what_stands() }}
            {{ create_table_as(False, target, compiled_code) }};
            {{ arsync.hooks_together(post_hooks) }}
        {% endcall %}
    {% endif %}
    {% do adapter.commit() %}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{# SQL of hooks, all of them in the model's own transaction. What one asks while it is rendered, no other may have changed. #}
{% macro hooks_together(hooks) %}
    {% for hook in hooks %}
        {% set rendered = render(hook.get('sql')) | trim %}
        {% if rendered %}{{ rendered }}{{ '' if rendered.endswith(';') else ';' }}{% endif %}
    {% endfor %}
{% endmacro %}


{# As dbt's own, but asked once for a model and not for every use of it. #}
{% macro is_incremental() %}
    {%- if not execute -%}{{ return(false) }}{%- endif -%}
    {%- set found = arsync.found_out() -%}
    {%- if 'is_incremental' not in found -%}{%- do found.update({'is_incremental': dbt.is_incremental()}) -%}{%- endif -%}
    {{ return(found['is_incremental']) }}
{% endmacro %}


{# What was found out about this model since its build began; its SQL and its hooks are rendered in contexts apart, which
   share the graph. Whoever builds twice from one parsed project shares it too, so each command has its own. #}
{% macro found_out() %}
    {% set of_commands = graph.nodes.get(model.unique_id, {}).setdefault('found_out', {}) %}
    {{ return(of_commands.setdefault(invocation_id, {})) }}
{% endmacro %}


{% macro replace_rows(target, fresh, unique_key, strategy) %}
    {% set keys = [unique_key] if unique_key is string else (unique_key or []) %}
    {% if strategy == 'delete+insert' %}
        delete from {{ target }} as held
        using {{ fresh }} as fresh
        where {% for key in keys %}held.{{ key }} = fresh.{{ key }}{% if not loop.last %} and {% endif %}{% endfor %};
    {% endif %}
    insert into {{ target }} by name select * from {{ fresh }};
{% endmacro %}


{# Raises unless the rows have the table's columns and types; `on_schema_change: append_new_columns` adds what it lacks. #}
{% macro agree_on_columns(fresh) %}
    {% set query %}
        select coalesce(fresh.name, held.name), fresh.type, held.type
        from pragma_table_info('{{ fresh }}') as fresh -- duckdb_columns() looks through the whole catalog
        full join pragma_table_info('{{ this }}') as held on fresh.name = held.name
        where fresh.type is distinct from held.type
        order by fresh.cid
    {% endset %}
    {% for name, type, held in run_query(query).rows %}
        {% if held is none and config.get('on_schema_change') == 'append_new_columns' %}
            {% do run_query('alter table ' ~ this ~ ' add column "' ~ name ~ '" ' ~ type) %}
        {% else %}
            {% set kept = 'it keeps what no build can make again, so its columns need an upgrade as in macros/upgrade.sql' %}
            {{ exceptions.raise_compiler_error(
                this.identifier ~ ' holds "' ~ name ~ '" as ' ~ (held or 'nothing') ~ ', the model makes it '
                ~ (type or 'nothing') ~ ': '
                ~ (kept if config.get('full_refresh') is false else 'build it anew with `arsync sync --full-refresh`')
            ) }}
        {% endif %}
    {% endfor %}
{% endmacro %}


{% macro drop_what_stands() %}
    {% set standing = load_cached_relation(this) %}
    {% if standing is not none %}drop {{ standing.type }} if exists {{ standing }};{% endif %}
{% endmacro %}
