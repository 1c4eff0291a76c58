with recursive {{ measured_months(ref('ar_receivable_month'), ref('dim_legal_entity'), ['legal_entity_id', 'currency']) }}

select
    legal_entity_id || '|' || currency || '|' || cast(month as {{ dbt.type_string() }}) as measure_monthly_id,
    legal_entity_id,
    currency,
    {{ measure_columns() }}
from measured
