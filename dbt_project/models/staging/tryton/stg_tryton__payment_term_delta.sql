with current_rows as ({{ current_rows(source('tryton', 'raw_tryton__payment_term_delta'), ['id']) }})

select
    _connection as connection,
    id as term_delta_id,
    {{ to_text('line') }} as term_line_id,
    sequence as delta_number,
    day as day_of_month,
    day is not null or month is not null or weekday is not null as is_calendar,
    months,
    weeks,
    days,
    _seq,
    _loaded_at
from current_rows
