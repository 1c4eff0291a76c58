{# Raw tables keep every version of a record, `_seq` unique and growing over all of them; these pick the one that counts. #}

{# The current version of each record of a raw table: greatest _seq per connection and key; tombstones left out unless asked for. #}
{% macro current_rows(relation, keys, with_deleted=false) %}
select *
from {{ relation }}
where _seq in (select max(_seq) from {{ relation }} group by _connection, {{ keys | join(', ') }})
{% if not with_deleted %}and not _is_deleted{% endif %}
{% endmacro %}

{# The latest version of each record that arrived since this incremental model last ran, tombstones included. #}
{% macro arrived_rows(relation, keys) %}
{%- set since %}{% if execute and is_incremental() %}where _seq > {{ run_query("select coalesce(max(_seq), -1) from " ~ this).rows[0][0] | int }}{% endif %}{% endset -%}
select *
from {{ relation }}
where _seq in (select max(_seq) from {{ relation }} {{ since }} group by _connection, {{ keys | join(', ') }})
{% endmacro %}

{# When each record of a raw table was first loaded. #}
{% macro first_loads(relation, keys) %}
select _connection, {{ keys | join(', ') }}, min(_seq) as first_seq, min(_loaded_at) as first_loaded_at
from {{ relation }}
group by _connection, {{ keys | join(', ') }}
{% endmacro %}
