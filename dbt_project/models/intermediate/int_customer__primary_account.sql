with candidates as (
    select
        record.connection,
        record.customer_id,
        record.source_id as account_id,
        row_number() over (
            partition by record.connection, record.customer_id
            order by
                case when record.match_method = 'explicit' then 0 else 1 end,
                {{ byte_order('record.source_id') }}
        ) as preference
    from {{ ref('int_customer_record__clustered') }} as record
    inner join {{ ref('stg_arsync__connection') }} as connection
        on record.connection = connection.connection and connection.role = 'crm'
    where record.record_type = 'crm_account' and not record.is_deleted
)

select connection, customer_id, account_id
from candidates
where preference = 1
