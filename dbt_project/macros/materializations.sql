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


{% macro drop_what_stands() %}
    {% set standing = load_cached_relation(this) %}
    {% if standing is not none %}drop {{ standing.type }} if exists {{ standing }};{% endif %}
{% endmacro %}
