{{ config(materialized='view') }}

-- legal entities of one's own that buy from each other, as the ERP's customers
select source_customer_id
from {{ ref('int_erp_customer') }}
where is_intercompany and not is_deleted
