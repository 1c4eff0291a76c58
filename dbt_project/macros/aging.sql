{# The arithmetic of aging, once: for fct_ar_aging and for whoever asks the published snapshot for another day.

   `open_items` is a relation of items whose document has something open, with the document's `document_amount`,
   `document_open_amount`, `document_functional_open_amount` and `document_disputed_amount`, and `amount_before`: what the
   instalments before this one come to. `entities` gives legal_entity_id, as_of_date, edge_1 to edge_4, aging_basis, functional_currency,
   functional_minor_unit and is_elimination; `customers` gives customer_id and
   is_intercompany by source_customer_id, and by what `also` says. #}
{% macro aged_items(open_items, entities, customers, also='') -%}
{%- set text = dbt.type_string() -%}
settled as (
    -- what was settled goes to the oldest due date first; the first and the last instalment take what exceeds the bounds
    select
        open_items.*,
        amount - case
            when item_count = 1 then document_amount - document_open_amount
            when item_number = 1 then least(document_amount - document_open_amount, amount)
            when item_number = item_count then greatest(document_amount - document_open_amount - amount_before, 0)
            else greatest(least(document_amount - document_open_amount - amount_before, amount), 0)
        end as open_amount,
        -- what is open of the instalments before this one, and up to it
        case
            when item_number = 1 then 0
            else greatest(amount_before - (document_amount - document_open_amount), 0)
        end as open_before,
        case
            when item_number = item_count then document_open_amount
            else greatest(amount_before + amount - (document_amount - document_open_amount), 0)
        end as open_up_to
    from {{ open_items }} as open_items
),

aged as (
    select
        settled.*,
        coalesce(customer.customer_id, settled.source_customer_id) as customer_id,
        coalesce(entity.is_elimination, false) or coalesce(customer.is_intercompany, false) as is_intercompany,
        {{ arsync.is_debt('settled.item_type', 'settled.amount') }} as is_debt,
        entity.as_of_date,
        coalesce(entity.functional_currency, settled.currency) as functional_currency,
        entity.functional_minor_unit,
        {{ dbt.datediff('settled.due_date', 'entity.as_of_date', 'day') }} as days_past_due,
        {{ dbt.datediff(
            "case when entity.aging_basis = 'document' then settled.document_date else settled.due_date end",
            'entity.as_of_date', 'day'
        ) }} as age_days,
        entity.edge_1,
        entity.edge_2,
        entity.edge_3,
        entity.edge_4
    from settled
    inner join {{ entities }} as entity on settled.legal_entity_id = entity.legal_entity_id
    left join {{ customers }} as customer
        on settled.source_customer_id = customer.source_customer_id{{ ' and ' ~ also if also }}
    where settled.open_amount <> 0
),

placed as (
    select
        aged.*,
        case
            when is_intercompany then -1
            when not is_debt then 0
            when age_days <= edge_1 then 1
            when age_days <= edge_2 then 2
            when age_days <= edge_3 then 3
            when age_days <= edge_4 then 4
            else 5
        end as bucket_number
    from aged
)

select
    placed.item_id,
    placed.as_of_date,
    placed.document_id,
    placed.item_type,
    placed.item_number,
    placed.customer_id,
    placed.source_customer_id,
    placed.legal_entity_id,
    placed.currency,
    placed.document_date,
    placed.due_date,
    placed.amount,
    cast(placed.open_amount as {{ arsync.type_money() }}) as open_amount,
    placed.functional_currency,
    -- an instalment has its share of the document's, cut so that they add up
    cast(
        case
            when placed.item_count = 1 then placed.document_functional_open_amount
            when placed.currency = placed.functional_currency then placed.open_amount
            else {{ arsync.convert_money('placed.document_functional_open_amount', 'abs(placed.open_up_to)', 'abs(placed.document_open_amount)', 'placed.functional_minor_unit') }}
            - {{ arsync.convert_money('placed.document_functional_open_amount', 'placed.open_before', 'abs(placed.document_open_amount)', 'placed.functional_minor_unit') }}
        end as {{ arsync.type_money() }}
    ) as functional_open_amount,
    -- no more is in dispute than is open; over instalments the oldest first
    cast(
        case
            when placed.item_type = 'invoice' and placed.open_amount > 0
                then greatest(least(coalesce(placed.document_disputed_amount, 0) - placed.open_before, placed.open_amount), 0)
            else 0
        end as {{ arsync.type_money() }}
    ) as disputed_amount,
    cast(case when placed.is_debt then placed.days_past_due end as integer) as days_past_due,
    placed.bucket_number,
    case placed.bucket_number
        when -1 then 'intercompany'
        when 0 then 'unapplied'
        when 1 then 'current'
        when 2 then cast(edge_1 + 1 as {{ text }}) || '-' || cast(edge_2 as {{ text }})
        when 3 then cast(edge_2 + 1 as {{ text }}) || '-' || cast(edge_3 as {{ text }})
        when 4 then cast(edge_3 + 1 as {{ text }}) || '-' || cast(edge_4 as {{ text }})
        else cast(edge_4 + 1 as {{ text }}) || '+'
    end as bucket,
    placed.is_intercompany
from placed
{%- endmacro %}

{# whether an item is owed: an invoice, or what a journal debits; a refund only takes back a credit #}
{% macro is_debt(item_type, amount) -%}
({{ item_type }} = 'invoice' or ({{ item_type }} = 'journal' and {{ amount }} > 0))
{%- endmacro %}

{# totals of the aged items `aging` as columns, in the order of ar_customer_summary; disputed is part of the buckets #}
{% macro bucket_totals() -%}
{%- for column, amount, condition in [
    ['current_amount', 'open_amount', 'bucket_number = 1'],
    ['days_1_30_amount', 'open_amount', 'bucket_number = 2'],
    ['days_31_60_amount', 'open_amount', 'bucket_number = 3'],
    ['days_61_90_amount', 'open_amount', 'bucket_number = 4'],
    ['days_91_plus_amount', 'open_amount', 'bucket_number = 5'],
    ['unapplied_amount', 'open_amount', 'bucket_number = 0'],
    ['open_balance_amount', 'open_amount', 'bucket_number >= 0'],
    ['overdue_balance_amount', 'open_amount', 'bucket_number > 0 and days_past_due >= 1'],
    ['intercompany_amount', 'open_amount', 'bucket_number = -1'],
    ['disputed_amount', 'disputed_amount', 'bucket_number > 0'],
] %}
    cast(sum(case when {{ condition }} then aging.{{ amount }} else 0 end) as {{ arsync.type_total() }}) as {{ column }}{{ ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# pre-hook of fct_ar_aging: rows of documents that changed, and of those that belong to another customer now #}
{% macro forget_aged(inputs, settings) -%}
{{ arsync.forget_changed(['document_id'], inputs, settings) }}
{%- if is_incremental() and arsync.rows_stand(settings) and not arsync.rows_stand(arsync.owners(), 'owners') %}
or document_id in (
    select held.document_id
    from {{ this }} as held
    left join {{ ref('int_customer_record__clustered') }} as customer on held.source_customer_id = customer.record_key
    where held.customer_id is distinct from coalesce(customer.customer_id, held.source_customer_id)
)
{%- endif -%}
{%- endmacro %}
