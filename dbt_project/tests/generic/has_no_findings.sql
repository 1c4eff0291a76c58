{% test has_no_findings(model) %}
select * from {{ model }}
{% endtest %}
