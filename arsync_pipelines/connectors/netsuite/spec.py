"""The streams of a NetSuite account: raw columns, keys, cursors and how deletes are seen.

How a stream is asked for in SuiteQL is `query.py`; here is only what lands. Values are kept as SuiteQL shows them
(text, 'T'/'F'), except that dates are rendered 'YYYY-MM-DD' and timestamps 'YYYY-MM-DD HH:MM:SS' in UTC.
"""

from __future__ import annotations

from datetime import timedelta

from arsync_pipelines.ports.source import CursorSpec, DeleteDetection, Field, StreamSpec

RESOLUTION = timedelta(seconds=1)
"""Step of a TO_TIMESTAMP literal with the format the filters use."""

OVERLAP = timedelta(minutes=10)
"""Longer than a CSV import or a scheduled script keeps a record between its stamp and its commit."""

TRANSACTION_TYPES = ("CustInvc", "CustPymt", "CustCred", "CustRfnd", "CustDep", "DepAppl", "Journal", "FxReval")
"""Transactions that receivables are made of."""

CONTROL_ACCOUNT_TYPE = "AcctRec"
"""Type of the accounts that receivables are posted to; whatever else posts to them is read too."""


def _stream(
    name: str,
    key: str,
    columns: str,
    required: str,
    description: str,
    *,
    cursor: str = "",
    deletes: DeleteDetection = "none",
    scope: str = "",
) -> StreamSpec:
    needed = {*key.split(), *required.split()}
    return StreamSpec(
        system="netsuite",
        name=name,
        primary_key=tuple(key.split()),
        fields=tuple(Field(column, required=column in needed) for column in columns.split()),
        cursor=CursorSpec(cursor, RESOLUTION, OVERLAP) if cursor else None,
        page_size=1000,
        delete_detection=deletes,
        scope=tuple(scope.split()),
        description=description,
    )


SUBSIDIARY = _stream(
    "subsidiary",
    "id",
    "id name country currency parent iselimination lastmodifieddate",
    "name currency",
    "Legal entities, with their functional currency.",
    deletes="full",
)
CURRENCY = _stream(
    "currency",
    "id",
    "id symbol name currencyprecision lastmodifieddate",
    "symbol",
    "Currencies; `symbol` is the ISO 4217 code.",
    deletes="full",
)
TERM = _stream(
    "term",
    "id",
    "id name daysuntilnetdue discountpercent daysuntilexpiry isinactive lastmodifieddate",
    "name",
    "Payment terms.",
    deletes="full",
)
ACCOUNT = _stream(
    "account",
    "id",
    "id acctnumber accttype fullname lastmodifieddate",
    "accttype",
    "General ledger accounts; receivables control accounts have accttype 'AcctRec'.",
    deletes="full",
)
ACCOUNTING_PERIOD = _stream(
    "accounting_period",
    "id",
    "id periodname startdate enddate closed lastmodifieddate",
    "startdate enddate",
    "Posting periods and whether they are closed.",
    deletes="full",
)
CURRENCY_RATE = _stream(
    "currency_rate",
    "id",
    "id basecurrency transactioncurrency exchangerate effectivedate lastmodifieddate",
    "basecurrency transactioncurrency exchangerate effectivedate lastmodifieddate",
    "Exchange rates: base currency per one unit of the transaction currency, from a date on.",
    cursor="lastmodifieddate",
)
CUSTOMER = _stream(
    "customer",
    "id",
    "id entityid companyname email phone subsidiary currency terms creditlimit creditholdoverride vatregnumber "
    "isinactive externalid parent representingsubsidiary billing_addr1 billing_city billing_state "
    "billing_zip billing_country datecreated lastmodifieddate",
    "entityid lastmodifieddate",
    "Customers; `entityid` is the number people quote.",
    cursor="lastmodifieddate",
)
TRANSACTION = _stream(
    "transaction",
    "id",
    "id tranid type trandate duedate entity subsidiary status currency exchangerate foreigntotal foreignamountpaid "
    "foreignamountunpaid foreignpaymentamountused foreignpaymentamountunused terms closedate postingperiod voided "
    "isreversal memo externalid custbody_dispute_reason custbody_disputed_amount createddate lastmodifieddate",
    "type trandate lastmodifieddate",
    "Headers of invoices, payments, credit memos, refunds and journals, and of whatever else posts to a receivables "
    "control account; amounts in the transaction's currency.",
    cursor="lastmodifieddate",
)
TRANSACTION_LINE = _stream(
    "transaction_line",
    "transaction id",
    "transaction id linesequencenumber mainline taxline item memo quantity rate foreignamount netamount entity "
    "subsidiary transaction_lastmodified",
    "transaction_lastmodified",
    "Lines of transactions, read again whole whenever their transaction changed.",
    cursor="transaction_lastmodified",
    deletes="scope",
    scope="transaction",
)
TRANSACTION_ACCOUNTING_LINE = _stream(
    "transaction_accounting_line",
    "transaction transactionline account",
    "transaction transactionline account amount debit credit posting transaction_lastmodified",
    "transaction_lastmodified",
    "GL postings of transaction lines in the legal entity's functional currency; of transactions that are none of "
    "receivables those to control accounts alone.",
    cursor="transaction_lastmodified",
    deletes="scope",
    scope="transaction",
)
TRANSACTION_LINK = _stream(
    "transaction_link",
    "previousdoc previousline nextdoc nextline linktype",
    "previousdoc previousline previoustype nextdoc nextline nexttype linktype foreignamount transaction_lastmodified",
    "transaction_lastmodified",
    "Applications: what a later document (`nextdoc`) did to an earlier one; amount in the documents' currency.",
    cursor="transaction_lastmodified",
    deletes="scope",
    scope="nextdoc",
)
TRANSACTION_INSTALLMENT = _stream(
    "transaction_installment",
    "transaction id",
    "transaction id duedate amount transaction_lastmodified",
    "transaction_lastmodified",
    "Due dates and amounts of invoices on instalment terms.",
    cursor="transaction_lastmodified",
    deletes="scope",
    scope="transaction",
)
DELETED_RECORD = _stream(
    "deleted_record",
    "type recordid",
    "type recordid name externalid deleteddate",
    "deleteddate",
    "The account's log of records that are gone.",
    cursor="deleteddate",
)

STREAMS: tuple[StreamSpec, ...] = (
    SUBSIDIARY,
    CURRENCY,
    CURRENCY_RATE,
    TERM,
    ACCOUNT,
    ACCOUNTING_PERIOD,
    CUSTOMER,
    TRANSACTION,
    TRANSACTION_LINE,
    TRANSACTION_ACCOUNTING_LINE,
    TRANSACTION_LINK,
    TRANSACTION_INSTALLMENT,
    DELETED_RECORD,
)
