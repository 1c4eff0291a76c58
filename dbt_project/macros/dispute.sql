{# whether an ERP's external id is that of a dispute at the payment processor #}
{% macro is_dispute(external_id) -%}
coalesce({{ external_id }} like 'dp\_%' escape '\' or {{ external_id }} like 'du\_%' escape '\', false)
{%- endmacro %}
