select count(*) as row_count from {{ ref('stg_arsync__policy') }} having count(*) <> 1
