{# country and registration, with punctuation and the country's own prefix removed; null unless both are known #}
{% macro tax_key(country, registration) -%}
{%- set plain = arsync.alphanumeric(registration) -%}
{%- set code = 'upper(trim(' ~ country ~ '))' -%}
{{ code }} || ':' || nullif(
    case
        when left({{ plain }}, 2) = case when {{ code }} = 'GR' then 'EL' else {{ code }} end
            then substr({{ plain }}, 3)
        else {{ plain }}
    end, ''
)
{%- endmacro %}
