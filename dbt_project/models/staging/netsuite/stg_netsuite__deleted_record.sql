with current_rows as ({{ current_rows(source('netsuite', 'raw_netsuite__deleted_record'), ['type', 'recordid']) }})

select
    _connection || ':' || recordid as record_key,
    _connection as connection,
    recordid as record_id,
    type as record_type,
    lower(replace(type, '_', '')) in ('customer', 'custjob') as is_customer,
    lower(replace(type, '_', '')) in (
        'transaction', 'invoice', 'custinvc', 'customerpayment', 'payment', 'custpymt', 'creditmemo', 'custcred',
        'customerrefund', 'custrfnd', 'journal', 'journalentry', 'intercompanyjournalentry', 'advintercompanyjournalentry',
        -- these can post to a control account of receivables without being documents of it
        'customerdeposit', 'custdep', 'depositapplication', 'depappl', 'deposit', 'cashsale', 'cashrefund', 'cashrfnd',
        'check', 'charge', 'statementcharge', 'vendorbill', 'vendbill', 'vendorpayment', 'vendpymt', 'currencyrevaluation',
        'fxreval', 'transfer', 'vendorcredit', 'vendcred', 'expensereport', 'exprept', 'paycheck', 'paycheckjournal',
        'payrollliabilitypayment', 'liabpymt', 'creditcardcharge', 'cardchrg', 'creditcardrefund', 'cardrfnd',
        'inventoryadjustment', 'invadjst', 'itemfulfillment', 'itemship', 'itemreceipt', 'itemrcpt', 'customtransaction',
        'custom', 'statisticaljournalentry', 'periodendjournal', 'finchrg', 'financecharge'
    ) as is_transaction,
    {{ to_text('name') }} as name,
    {{ to_timestamp('deleteddate') }} as deleted_at,
    _seq,
    _loaded_at
from current_rows
