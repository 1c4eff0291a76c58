with recursive records as (
    select
        record.*,
        referenced.erp_record_key,
        coalesce(referenced.is_ambiguous, false) as is_ambiguous
    from {{ ref('int_customer_record') }} as record
    left join {{ ref('int_customer_record__referenced') }} as referenced
        on record.record_key = referenced.record_key
),

-- an ERP customer without a tax registration of its own takes that of the account which names it
lent as (
    select
        erp_record_key,
        tax_key,
        row_number() over (partition by erp_record_key order by first_seq) as preference
    from records
    where record_type = 'crm_account' and erp_record_key is not null and tax_key is not null and not is_deleted
),

erp_keys as (
    select
        records.record_key,
        coalesce('tax:' || records.tax_key, 'tax:' || lent.tax_key, 'record:' || records.record_key) as cluster_key,
        case
            when records.tax_key is not null then 'tax_registration'
            when lent.tax_key is not null then 'explicit'
            else 'self'
        end as match_method
    from records
    left join lent on records.record_key = lent.erp_record_key and lent.preference = 1
    where records.record_type = 'erp_customer'
),

own_keys as (
    select record_key, cluster_key, match_method from erp_keys

    union all

    select
        records.record_key,
        coalesce(erp_keys.cluster_key, 'tax:' || records.tax_key, 'record:' || records.record_key) as cluster_key,
        case
            when erp_keys.cluster_key is not null and records.record_type = 'crm_account' then 'explicit'
            when erp_keys.cluster_key is not null then 'processor_metadata'
            when records.tax_key is not null then 'tax_registration'
            else 'self'
        end as match_method
    from records
    left join erp_keys on records.erp_record_key = erp_keys.record_key
    where records.record_type <> 'erp_customer'
),

-- a merged account belongs where the account that survived belongs
survivors as (
    select record_key, merged_into_record_key as survivor_key, 1 as depth
    from records
    where is_deleted and merged_into_record_key is not null

    union all

    select survivors.record_key, records.merged_into_record_key as survivor_key, survivors.depth + 1 as depth
    from survivors
    inner join records on survivors.survivor_key = records.record_key
    where records.is_deleted and records.merged_into_record_key is not null and survivors.depth < 20
),

last_survivor as (
    select
        record_key,
        survivor_key,
        row_number() over (partition by record_key order by depth desc) as preference
    from survivors
),

-- an ERP customer whose last account of an org was merged away belongs where the account that survived belongs
living as (
    select distinct records.connection, own_keys.cluster_key
    from records
    inner join own_keys on records.record_key = own_keys.record_key
    where records.record_type = 'crm_account' and not records.is_deleted
),

bereft as (
    select own_keys.cluster_key as left_key, survivor_keys.cluster_key as right_key
    from records
    inner join last_survivor on records.record_key = last_survivor.record_key and last_survivor.preference = 1
    inner join own_keys on records.record_key = own_keys.record_key
    inner join own_keys as survivor_keys on last_survivor.survivor_key = survivor_keys.record_key
    left join living on records.connection = living.connection and own_keys.cluster_key = living.cluster_key
    where records.record_type = 'crm_account'
        and records.erp_record_key is not null
        and own_keys.cluster_key <> survivor_keys.cluster_key
        and living.cluster_key is null
),

-- several may have been merged into one, and one after the other: all that hangs together is one customer
edges as (
    select left_key, right_key from bereft

    union

    select right_key as left_key, left_key as right_key from bereft
),

reached as (
    select left_key as cluster_key, left_key as reached_key from edges

    union

    select reached.cluster_key, edges.right_key as reached_key
    from reached
    inner join edges on reached.reached_key = edges.left_key
),

joined_keys as (
    select cluster_key, min(reached_key) as joined_key from reached group by cluster_key
),

clustered as (
    select
        records.record_key,
        records.connection,
        records.source_id,
        records.record_type,
        records.number,
        records.reference_number,
        records.erp_record_key,
        records.is_ambiguous,
        records.name,
        records.country,
        records.tax_key,
        records.currency,
        records.is_deleted,
        records.first_seq,
        records.first_loaded_at,
        coalesce(
            joined_keys.joined_key, survivor_keys.cluster_key, own_keys.cluster_key
        ) as cluster_key,
        case when survivor_keys.cluster_key is not null then 'merge' else own_keys.match_method end as match_method
    from records
    inner join own_keys on records.record_key = own_keys.record_key
    left join last_survivor on records.record_key = last_survivor.record_key and last_survivor.preference = 1
    left join own_keys as survivor_keys on last_survivor.survivor_key = survivor_keys.record_key
    left join joined_keys on coalesce(survivor_keys.cluster_key, own_keys.cluster_key) = joined_keys.cluster_key
),

heads as (
    select
        cluster_key,
        record_key as customer_id,
        row_number() over (partition by cluster_key order by first_seq, record_key) as position
    from clustered
)

select clustered.*, heads.customer_id
from clustered
inner join heads on clustered.cluster_key = heads.cluster_key and heads.position = 1
