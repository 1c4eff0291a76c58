{# Incremental models that replace whole documents: what changed in any input since this model last saw it.

   `inputs` is a list of [model, key column]; every input carries `_seq`, which grows whenever a row is (re)written. The
   ledger has none: what a run adds to it is known after the run before.
   `settings` is a list of [model, columns]: small tables that every row depends on. While they say what they said when
   the model last ran, changed rows are written anew; otherwise all rows.
   What was seen is kept beside the model in <model>__seen, written in the model's own transaction. #}

{% macro seen_relation() %}{{ return(api.Relation.create(database=this.database, schema=this.schema, identifier=this.identifier ~ '__seen')) }}{% endmacro %}

{# What was seen, by input. Read while a model is compiled: a number in the SQL lets whole blocks of a table be passed
   over, a subquery has every row compared. #}
{% macro seen_numbers() -%}
{%- if not execute or not is_incremental() -%}{{ return({}) }}{%- endif -%}
{%- set found = arsync.found_out() -%}
{%- if 'seen' not in found -%}
{%- set numbers = {} -%}
{%- set seen = arsync.seen_relation() -%}
{%- if adapter.get_relation(seen.database, seen.schema, seen.identifier) is not none -%}
{%- for row in run_query("select input, max(seen_seq) from " ~ seen ~ " where seen_seq is not null group by input") -%}
{%- do numbers.update({row[0]: row[1] | int}) -%}
{%- endfor -%}
{%- endif -%}
{%- do found.update({'seen': numbers}) -%}
{%- endif -%}
{{ return(found['seen']) }}
{%- endmacro %}

{% macro seen_seq(model_name) %}{{ return(arsync.seen_numbers().get(model_name, -1)) }}{% endmacro %}

{# Keys kept while a model is built, in a temporary table that its pre-hook fills: every use is spared the search, and
   the engine knows how few they are. #}
{% macro kept_relation(name) %}{{ return(this.identifier ~ '__' ~ name) }}{% endmacro %}

{% macro keep_keys(name, keys) -%}
create temporary table {{ arsync.kept_relation(name) }} as {{ keys }};
{% endmacro %}

{# The keys that the pre-hook kept, or, where a model is built from nothing and has kept none, the search itself. To be
   written where they are asked for, `x in (...)`: the condition, which takes none away, has the engine look for the keys
   while it reads, so that of other rows no more is read; it does so for keys that were chosen, and not through a CTE. #}
{% macro changed_keys(inputs) %}
{%- if is_incremental() -%}
select changed_key from {{ arsync.kept_relation('changed') }} where cast(changed_key as {{ dbt.type_string() }}) <> ''
{%- else %}{{ arsync.find_changed_keys(inputs) }}
{%- endif %}
{% endmacro %}

{% macro find_changed_keys(inputs) %}
{%- set seen = arsync.seen_numbers() -%}
{%- for model_name, key in inputs %}
select {{ key }} as changed_key from {{ ref(model_name) }}
where {% if model_name == 'fct_receivable_event' %}known_at > {{ arsync.from_microseconds(seen.get(model_name, -1)) }}
{%- else %}_seq > {{ seen.get(model_name, -1) }}{% endif %}
{% if not loop.last %}union{% endif %}
{%- endfor %}
{% endmacro %}

{# Whose each record of a customer is: while that stands, no row that names a customer has to be looked at for it. Beside
   the settings, for when it changes the rows of the customers concerned are written anew, and not all. #}
{% macro owners() %}{{ return([['int_customer_record__clustered', ['record_key', 'customer_id']]]) }}{% endmacro %}

{# Whether the rows of this model stand but for those that changed. #}
{% macro rows_stand(settings, kept_as='settings') -%}
{%- set now = arsync.fingerprint(settings) -%}
{%- if not execute or not is_incremental() -%}{{ return(false) }}{%- endif -%}
{%- set found = arsync.found_out() -%}
{%- set asked = kept_as ~ '_stand' -%}
{%- if asked not in found -%}
{%- set seen = arsync.seen_numbers().get(kept_as) -%}
{%- do found.update({asked: seen is not none and seen == run_query(now).rows[0][0] | int}) -%}
{%- endif -%}
{{ return(found[asked]) }}
{%- endmacro %}

{# SQL: a number that tells what the settings say, whatever the order of their rows #}
{% macro fingerprint(settings) %}{{ return(adapter.dispatch('fingerprint', 'arsync')(settings)) }}{% endmacro %}

{% macro duckdb__fingerprint(settings) -%}
select cast(hash(count(*), sum(row_hash)) >> 1 as bigint)
from (
    {%- for model_name, columns in settings %}
    select hash('{{ model_name }}', {{ columns | join(', ') }}) as row_hash from {{ ref(model_name) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
) as settings
{%- endmacro %}

{% macro postgres__fingerprint(settings) -%}
select cast(cast('x' || substr(md5(coalesce(string_agg(said, '|' order by said), '')), 1, 15) as bit(60)) as bigint)
from (
    {%- for model_name, columns in settings %}
    select cast(row('{{ model_name }}', {{ columns | join(', ') }}) as text) as said from {{ ref(model_name) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
) as settings
{%- endmacro %}

{# pre-hook of models that take nothing back #}
{% macro keep_changed(inputs) %}
{%- if is_incremental() %}{{ arsync.keep_keys('changed', arsync.find_changed_keys(inputs)) }}{% endif -%}
{% endmacro %}

{# pre-hook: the rows that this run writes anew #}
{% macro forget_changed(columns, inputs, settings=none) %}
{{ arsync.keep_changed(inputs) }}
{%- if is_incremental() and settings and not arsync.rows_stand(settings) -%}
delete from {{ this }}
{%- elif is_incremental() -%}
delete from {{ this }}
where {% for column in columns %}{{ column }} in ({{ arsync.changed_keys(inputs) }}){% if not loop.last %} or {% endif %}{% endfor %}
{%- endif -%}
{% endmacro %}

{# post-hook #}
{% macro write_seen(inputs, settings=none, with_owners=false) %}
drop table if exists {{ arsync.seen_relation() }};
create table {{ arsync.seen_relation() }} as
{%- for model_name in inputs | map('first') | unique %}
{%- if model_name == 'fct_receivable_event' %}
select '{{ model_name }}' as input, max(seen_seq) as seen_seq
from {{ ref(model_name).incorporate(path={'identifier': model_name ~ '__seen'}) }}
where input = 'run'
{%- else %}
select '{{ model_name }}' as input, max(_seq) as seen_seq from {{ ref(model_name) }}
{%- endif %}
{% if not loop.last %}union all{% endif %}
{%- endfor %}
{%- if settings %}
union all
select 'settings' as input, ({{ arsync.fingerprint(settings) }}) as seen_seq
{%- endif %}
{%- if with_owners %}
union all
select 'owners' as input, ({{ arsync.fingerprint(arsync.owners()) }}) as seen_seq
{%- endif %}
{% endmacro %}

{# `_seq` for rows written by this run: the run's start in microseconds, and always beyond what the model holds #}
{% macro run_seq() -%}
{%- set started = (run_started_at.timestamp() * 1000000) | int -%}
{%- if is_incremental() -%}
greatest(cast({{ started }} as bigint), (select coalesce(max(_seq), 0) + 1 from {{ this }}))
{%- else -%}
cast({{ started }} as bigint)
{%- endif -%}
{%- endmacro %}

{# what makes a receivables document new to a model that carries one row per document #}
{% macro document_inputs() -%}
{{ return([
    ['int_netsuite__document', 'document_id'],
    ['stg_netsuite__transaction_link', 'previous_document_id'],
    ['stg_netsuite__transaction_link', 'next_document_id'],
    ['int_files__document', 'document_id'],
    ['int_tryton__document', 'document_id'],
]) }}
{%- endmacro %}

{# pre-hook: documents that changed at their source or are gone, and those that an earlier as-of date does not know yet #}
{% macro forget_gone_documents(key, date_column=none) %}
{%- if is_incremental() -%}
{{ arsync.keep_changed(arsync.document_inputs()) }}
delete from {{ this }}
where {{ key }} in ({{ arsync.changed_keys(arsync.document_inputs()) }})
    {%- if date_column %}
    or {{ date_column }} > (select max(as_of_date) from {{ ref('dim_legal_entity') }})
    {%- endif %}
{%- endif -%}
{% endmacro %}
