select
    line.document_id as invoice_id,
    cast(max(level.level_number) as integer) as dunning_level
from {{ ref('stg_tryton__dunning') }} as dunning
inner join {{ ref('int_tryton__ar_line') }} as line
    on dunning.connection || ':' || dunning.move_line_id = line.ar_line_id
inner join {{ ref('stg_tryton__dunning_level') }} as level
    on dunning.connection = level.connection and dunning.dunning_level_id = level.dunning_level_id
where line.reconciliation_id is null and not line.is_deleted and level.level_number is not null
group by line.document_id
