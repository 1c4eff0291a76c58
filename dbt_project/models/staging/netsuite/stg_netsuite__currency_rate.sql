with current_rows as ({{ current_rows(source('netsuite', 'raw_netsuite__currency_rate'), ['id']) }})

select
    _connection as connection,
    id as currency_rate_id,
    {{ to_text('basecurrency') }} as base_currency_id,
    {{ to_text('transactioncurrency') }} as transaction_currency_id,
    {{ to_rate('exchangerate') }} as exchange_rate,
    {{ to_date('effectivedate') }} as effective_date,
    {{ to_timestamp('lastmodifieddate') }} as modified_at,
    _seq,
    _loaded_at
from current_rows
