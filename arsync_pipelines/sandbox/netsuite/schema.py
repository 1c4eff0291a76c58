"""The tables of the account: names, columns and kinds as SuiteQL shows them, and how they are stored. No queries here.

Kinds: `int` ids and counts; `money` hundredths of the currency's unit in an integer (whatever its minor unit, so sums
are exact); `rate` a stored and `num` a computed number; `text` (booleans are 'T'/'F'); `date` a wall time and `ts` an
instant, see dates.py; `any` a value whose nature is not known before it is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["int", "money", "rate", "num", "text", "date", "ts", "any"]


@dataclass(frozen=True)
class Table:
    """`columns` in order. `required` never hold null. `hidden` exist in the store only."""

    name: str
    columns: dict[str, Kind]
    required: frozenset[str]
    key: tuple[str, ...]
    hidden: str = ""
    view: str = ""

    def ddl(self) -> str:
        if self.view:
            return f'create view if not exists "{self.name}" as {self.view}'
        types = {
            "int": "integer",
            "money": "integer",
            "rate": "real",
            "text": "text",
            "date": "integer",
            "ts": "integer",
        }
        parts = [f'"{name}" {types[kind]}' for name, kind in self.columns.items()]
        single = len(self.key) == 1 and self.key[0] in self.columns
        if single:
            parts = [p + " primary key" if p.startswith(f'"{self.key[0]}" ') else p for p in parts]
        if self.hidden:
            parts.append(self.hidden)
        if not single:
            parts.append("primary key (" + ", ".join(f'"{name}"' for name in self.key) + ")")
        tail = "" if single else " without rowid"
        return f'create table if not exists "{self.name}" ({", ".join(parts)}){tail}'


def _table(name: str, spec: str, key: str = "id", hidden: str = "", view: str = "") -> Table:
    """`spec`: columns by kind, "int: id! parent; text: name"; `!` marks a column that is never null."""
    kinds: dict[str, Kind] = {
        "int": "int",
        "money": "money",
        "rate": "rate",
        "text": "text",
        "date": "date",
        "ts": "ts",
    }
    columns: dict[str, Kind] = {}
    required = set()
    for group in spec.split(";"):
        kind, _, names = group.partition(":")
        for column in names.split():
            columns[column.rstrip("!")] = kinds[kind.strip()]
            if column.endswith("!"):
                required.add(column.rstrip("!"))
    return Table(name, columns, frozenset(required), tuple(key.split()), hidden, view)


_LINK = (
    "int: previousdoc! previousline! nextdoc! nextline!; text: previoustype! nexttype! linktype!; money: foreignamount!"
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table(
            "subsidiary",
            "int: id! currency parent; text: name! fullname legalname country iselimination isinactive timezone;"
            "ts: lastmodifieddate!",
            hidden="functional text",
        ),
        _table(
            "currency",
            "int: id! currencyprecision; text: symbol! name! displaysymbol isbasecurrency isinactive;"
            "rate: exchangerate; ts: lastmodifieddate!",
        ),
        _table(
            "currencyrate",
            "int: id! basecurrency! transactioncurrency!; rate: exchangerate; date: effectivedate;"
            "ts: lastmodifieddate!",
        ),
        _table(
            "term",
            "int: id! daysuntilnetdue daysuntilexpiry; text: name! datedriven installment isinactive;"
            "rate: discountpercent; ts: lastmodifieddate!",
        ),
        _table(
            "account",
            "int: id! currency subsidiary; text: acctnumber! accttype! fullname! accountsearchdisplayname issummary"
            " isinactive; ts: lastmodifieddate!",
        ),
        _table(
            "accountingperiod",
            "int: id!; text: periodname! closed isposting isquarter isyear isadjust isinactive;"
            "date: startdate enddate; ts: lastmodifieddate!",
        ),
        _table("employee", "int: id!; text: entityid! firstname lastname email isinactive; ts: lastmodifieddate!"),
        _table(
            "customer",
            "int: id! subsidiary currency terms parent representingsubsidiary defaultbillingaddress category;"
            "text: entityid! companyname altname fullname email phone creditholdoverride vatregnumber isinactive"
            " isperson externalid url comments; money: creditlimit; ts: datecreated lastmodifieddate!",
            hidden="party integer",
        ),
        _table(
            "entityaddress",
            "int: nkey! recordowner; text: addressee addr1 addr2 city state zip country addrtext;ts: lastmodifieddate!",
            key="nkey",
        ),
        _table(
            "customeraddressbook",
            "int: internalid! entity! addressbookaddress!; text: defaultbilling defaultshipping label",
            key="internalid",
            view="select nkey internalid, recordowner entity, nkey addressbookaddress, 'T' defaultbilling,"
            " 'F' defaultshipping, addressee label from entityaddress",
        ),
        _table(
            "entity",
            "int: id!; text: entityid! altname type email isinactive; ts: lastmodifieddate!",
            view="select id, entityid, altname, 'CustJob' type, email, isinactive, lastmodifieddate from customer",
        ),
        _table(
            "transaction",
            "int: id! entity subsidiary currency terms postingperiod;"
            "text: tranid type! recordtype trandisplayname status posting voided isreversal memo externalid"
            " custbody_dispute_reason; rate: exchangerate;"
            "money: foreigntotal foreignamountpaid foreignamountunpaid foreignpaymentamountused"
            " foreignpaymentamountunused custbody_disputed_amount;"
            "date: trandate! duedate closedate; ts: createddate! lastmodifieddate!",
        ),
        _table(
            "transactionline",
            "int: transaction! id! linesequencenumber! item entity subsidiary; text: mainline! taxline! memo;"
            "rate: quantity rate; money: foreignamount netamount",
            key="transaction id",
        ),
        _table(
            "transactionaccountingline",
            "int: transaction! transactionline! accountingbook account; text: posting;"
            "money: amount debit credit; rate: exchangerate",
            key="transaction transactionline",
        ),
        _table(
            "transactioninstallment",
            "int: transaction! id!; date: duedate; money: amount",
            key="transaction id",
        ),
        # the date of an application is not shown by NetSuite either
        _table(
            "nexttransactionlinelink",
            _LINK,
            key="nextdoc previousdoc previousline nextline linktype",
            hidden="applied_on integer",
        ),
        _table("previoustransactionlinelink", _LINK, view="select * from nexttransactionlinelink"),
        _table(
            "nexttransactionlink",
            "int: previousdoc! nextdoc!; text: previoustype! nexttype! linktype!; money: foreignamount!",
            view="select previousdoc, nextdoc, previoustype, nexttype, linktype, sum(foreignamount) foreignamount"
            " from nexttransactionlinelink group by previousdoc, nextdoc, previoustype, nexttype, linktype",
        ),
        _table(
            "deletedrecord",
            "int: recordid! recordtypeid; text: type! name externalid; ts: deleteddate!",
            key="deletion_id",
            hidden="deletion_id integer",
        ),
    )
}

# BUILTIN.DF: which table and column give the text of a reference
DISPLAY: dict[tuple[str, str], tuple[str, str]] = {
    **{(table, "currency"): ("currency", "name") for table in ("subsidiary", "customer", "transaction", "account")},
    **{
        (table, "subsidiary"): ("subsidiary", "name")
        for table in ("customer", "transaction", "transactionline", "account")
    },
    **{(table, "terms"): ("term", "name") for table in ("customer", "transaction")},
    **{(table, "entity"): ("customer", "fullname") for table in ("transaction", "transactionline")},
    ("customer", "parent"): ("customer", "fullname"),
    ("subsidiary", "parent"): ("subsidiary", "name"),
    ("transaction", "postingperiod"): ("accountingperiod", "periodname"),
    ("transactionline", "transaction"): ("transaction", "trandisplayname"),
    ("transactionaccountingline", "transaction"): ("transaction", "trandisplayname"),
    ("transactionaccountingline", "account"): ("account", "accountsearchdisplayname"),
    ("nexttransactionlinelink", "previousdoc"): ("transaction", "trandisplayname"),
    ("nexttransactionlinelink", "nextdoc"): ("transaction", "trandisplayname"),
    ("currencyrate", "basecurrency"): ("currency", "name"),
    ("currencyrate", "transactioncurrency"): ("currency", "name"),
}

TYPE_TEXTS = {
    "CustInvc": "Invoice",
    "CustPymt": "Payment",
    "CustCred": "Credit Memo",
    "CustRfnd": "Customer Refund",
    "Journal": "Journal",
    "CustDep": "Customer Deposit",
    "DepAppl": "Deposit Application",
    "Deposit": "Deposit",
    "FxReval": "Currency Revaluation",
}
STATUS_TEXTS = {
    ("CustInvc", "A"): "Open",
    ("CustInvc", "B"): "Paid In Full",
    ("CustInvc", "V"): "Voided",
    ("CustPymt", "B"): "Not Deposited",
    ("CustPymt", "C"): "Deposited",
    ("CustCred", "A"): "Open",
    ("CustCred", "B"): "Fully Applied",
    ("CustRfnd", "B"): "Cleared",
    ("CustDep", "B"): "Deposited",
    ("CustDep", "C"): "Fully Applied",
    ("Journal", "B"): "Approved for Posting",
    ("Deposit", "A"): "Deposited",
}
