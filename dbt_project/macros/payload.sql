{# Payloads of a push: one list of fields says what is compared, how it is written, and what stands before.

   A field is [canonical name, column, kind]; kind is money, number (one decimal), integer, date, flag or text. #}

{# text of a field's value as it travels: money with exactly the currency's digits, dates ISO, null as null #}
{% macro payload_value(column, kind, minor) -%}
{%- if kind == 'money' -%}{{ arsync.money_text(column, minor) }}
{%- elif kind == 'number' -%}cast(cast({{ column }} as decimal(18, 1)) as {{ dbt.type_string() }})
{%- elif kind == 'integer' -%}cast(cast({{ column }} as integer) as {{ dbt.type_string() }})
{%- elif kind == 'date' -%}cast({{ column }} as {{ dbt.type_string() }})
{%- else -%}{{ column }}
{%- endif -%}
{%- endmacro %}

{# what the target holds: the same, but an amount with more digits than its currency has is shown whole #}
{% macro observed_value(column, kind, minor) -%}
{%- if kind == 'money' -%}
case
    when {{ column }} = {{ arsync.round_money(column, 'coalesce(' ~ minor ~ ', 2)') }} then {{ arsync.money_text(column, 'coalesce(' ~ minor ~ ', 2)') }}
    else cast({{ column }} as {{ dbt.type_string() }})
end
{%- elif kind == 'number' -%}
case
    when {{ column }} = round({{ column }}, 1) then cast(cast({{ column }} as decimal(18, 1)) as {{ dbt.type_string() }})
    else cast({{ column }} as {{ dbt.type_string() }})
end
{%- elif kind == 'integer' -%}
case
    when {{ column }} = round({{ column }}, 0) then cast(cast({{ column }} as integer) as {{ dbt.type_string() }})
    else cast({{ column }} as {{ dbt.type_string() }})
end
{%- elif kind == 'date' -%}cast({{ column }} as {{ dbt.type_string() }})
{%- elif kind == 'flag' -%}coalesce({{ column }}, false)
{%- else -%}{{ column }}
{%- endif -%}
{%- endmacro %}

{% macro payload_json(fields, relation, minor) -%}
{%- set pairs = [] -%}
{%- for name, column, kind in fields -%}
{%- do pairs.append([name, arsync.payload_value(relation ~ '.' ~ column, kind, minor)]) -%}
{%- endfor -%}
{{ arsync.json_text(pairs) }}
{%- endmacro %}

{% macro observed_json(fields, relation, minor, prefix='') -%}
{%- set pairs = [] -%}
{%- for name, column, kind in fields -%}
{%- do pairs.append([name, arsync.observed_value(relation ~ '.' ~ prefix ~ column, kind, minor)]) -%}
{%- endfor -%}
{{ arsync.json_text(pairs) }}
{%- endmacro %}

{# whether any field but those that move by themselves differs #}
{% macro fields_differ(fields, desired, observed, prefix='', ignore=['as_of_date']) -%}
{%- for name, column, kind in fields if name not in ignore -%}
{%- if not loop.first %}
    or {% endif -%}
{%- if kind == 'flag' -%}
coalesce({{ desired }}.{{ column }}, false) is distinct from coalesce({{ observed }}.{{ prefix }}{{ column }}, false)
{%- elif kind == 'text' -%}
nullif(trim({{ desired }}.{{ column }}), '') is distinct from {{ observed }}.{{ prefix }}{{ column }}
{%- else -%}
{{ desired }}.{{ column }} is distinct from {{ observed }}.{{ prefix }}{{ column }}
{%- endif -%}
{%- endfor -%}
{%- endmacro %}

{% macro account_fields() -%}
{{ return([
    ['open_balance', 'open_balance', 'money'],
    ['overdue_balance', 'overdue_balance', 'money'],
    ['current', 'current_amount', 'money'],
    ['days_1_30', 'days_1_30', 'money'],
    ['days_31_60', 'days_31_60', 'money'],
    ['days_61_90', 'days_61_90', 'money'],
    ['days_91_plus', 'days_91_plus', 'money'],
    ['unapplied', 'unapplied', 'money'],
    ['disputed', 'disputed', 'money'],
    ['credit_limit', 'credit_limit', 'money'],
    ['credit_available', 'credit_available', 'money'],
    ['over_limit', 'over_limit', 'flag'],
    ['credit_hold', 'credit_hold', 'flag'],
    ['payment_terms', 'payment_terms', 'text'],
    ['collections_status', 'collections_status', 'text'],
    ['promise_date', 'promise_date', 'date'],
    ['average_days_to_pay', 'average_days_to_pay', 'number'],
    ['last_payment_date', 'last_payment_date', 'date'],
    ['last_payment_amount', 'last_payment_amount', 'money'],
    ['oldest_due_date', 'oldest_due_date', 'date'],
    ['currency', 'currency', 'text'],
    ['as_of_date', 'as_of_date', 'date'],
]) }}
{%- endmacro %}

{% macro account_balance_fields() -%}
{{ return([
    ['account_id', 'account_id', 'text'],
    ['legal_entity', 'legal_entity', 'text'],
    ['currency', 'currency', 'text'],
    ['erp_customer_id', 'erp_customer_id', 'text'],
    ['open_balance', 'open_balance', 'money'],
    ['overdue_balance', 'overdue_balance', 'money'],
    ['current', 'current_amount', 'money'],
    ['days_1_30', 'days_1_30', 'money'],
    ['days_31_60', 'days_31_60', 'money'],
    ['days_61_90', 'days_61_90', 'money'],
    ['days_91_plus', 'days_91_plus', 'money'],
    ['unapplied', 'unapplied', 'money'],
    ['disputed', 'disputed', 'money'],
    ['credit_limit', 'credit_limit', 'money'],
    ['credit_available', 'credit_available', 'money'],
    ['over_limit', 'over_limit', 'flag'],
    ['credit_hold', 'credit_hold', 'flag'],
    ['payment_terms', 'payment_terms', 'text'],
    ['oldest_due_date', 'oldest_due_date', 'date'],
    ['as_of_date', 'as_of_date', 'date'],
]) }}
{%- endmacro %}

{% macro invoice_fields() -%}
{{ return([
    ['account_id', 'account_id', 'text'],
    ['number', 'number', 'text'],
    ['legal_entity', 'legal_entity', 'text'],
    ['invoice_date', 'invoice_date', 'date'],
    ['due_date', 'due_date', 'date'],
    ['currency', 'currency', 'text'],
    ['total_amount', 'total_amount', 'money'],
    ['open_amount', 'open_amount', 'money'],
    ['status', 'status', 'text'],
    ['aging_bucket', 'aging_bucket', 'text'],
    ['disputed_amount', 'disputed_amount', 'money'],
    ['dunning_level', 'dunning_level', 'integer'],
    ['link', 'link', 'text'],
]) }}
{%- endmacro %}

{# External ids of invoice records to be compared anew: what is desired changed, or a record that holds or held the id. #}
{% macro find_touched_records(inputs) -%}
{{ arsync.find_changed_keys(inputs) }}

union

select external_id as changed_key
from {{ source('salesforce', 'raw_salesforce__ar_invoice') }}
where _connection || ':' || id in (
    select record_key from {{ ref('stg_salesforce__ar_invoice') }}
    where _seq > {{ arsync.seen_seq('stg_salesforce__ar_invoice') }}
)
{%- endmacro %}

{# pre-hook of int_salesforce__invoice_compared #}
{% macro forget_compared(inputs, settings) -%}
{%- if is_incremental() -%}
{{ arsync.keep_keys('changed', arsync.find_touched_records(inputs)) }}
delete from {{ this }}
{%- if arsync.rows_stand(settings) %}
where external_id in ({{ arsync.changed_keys(inputs) }})
{%- endif -%}
{%- endif -%}
{%- endmacro %}
