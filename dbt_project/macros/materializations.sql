{# Tables and views are replaced where they stand, in one transaction: a model that fails leaves the old one. dbt-duckdb
   builds beside it, renames both and drops the old one, and each of these steps costs dbt as much as the model itself. #}

{% materialization table, adapter='duckdb' %}
    {% set target = this.incorporate(type='table') %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}
        {{ drop_what_stands() }}
        {{ create_table_as(False, target, compiled_code) }}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% materialization view, adapter='duckdb' %}
    {% set target = this.incorporate(type='view') %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}
        {{ drop_what_stands() }}
        {{ create_view_as(target, compiled_code) }}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{# Rows are made in a temporary table, then put in place of those with the same `unique_key`, or beside what is there
   (strategy append). dbt-duckdb asks four times more what columns there are, and checks the contract anew, under
   which the table that stands was made: its columns are compared once. #}
{% materialization incremental, adapter='duckdb' %}
    {% set target = this.incorporate(type='table') %}
    {% set standing = load_cached_relation(this) %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if is_incremental() %}
        {% set fresh = this.identifier ~ '__fresh' %}
        {% do run_query('create temporary table ' ~ fresh ~ ' as ' ~ compiled_code) %}
        {% do arsync.agree_on_columns(fresh) %}
        {% call statement('main') %}
            {{ arsync.replace_rows(target, fresh, config.get('unique_key'), config.get('incremental_strategy')) }}
            drop table {{ fresh }};
        {% endcall %}
    {% else %}
        {% call statement('main') %}
            {{ drop_what_stands() }}
            {{ create_table_as(False, target, compiled_code) }}
        {% endcall %}
    {% endif %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


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
        select coalesce(fresh.column_name, held.column_name), fresh.data_type, held.data_type
        from (select * from duckdb_columns() where table_name = '{{ fresh }}') as fresh
        full join (
            select * from duckdb_columns()
            where table_name = '{{ this.identifier }}' and schema_name = '{{ this.schema }}' and database_name = '{{ this.database }}'
        ) as held on fresh.column_name = held.column_name
        where fresh.data_type is distinct from held.data_type
        order by fresh.column_index
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
