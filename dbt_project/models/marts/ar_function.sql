{%- for function in as_of_functions() %}
select
    {{ loop.index }} as position,
    '{{ function.name }}' as name,
    '{{ function.parameters }}' as parameters,
    '{{ function.description }}' as description,
    '{{ function.body | replace("'", "''") }}' as body
{% if not loop.last %}union all{% endif %}
{%- endfor %}
