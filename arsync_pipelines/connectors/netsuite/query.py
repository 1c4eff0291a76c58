"""How each stream is asked for in SuiteQL: tables, columns, and the keyset that pages through them.

A stream's rows come ordered by (stamp, key): the last modification and the id of the row, or of its parent transaction
for lines, postings, links and instalments, which carry no modification date of their own. Such a query starts at the
parent and joins the children outwards, so that a transaction whose last child is gone still shows up, empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from arsync_pipelines.connectors.netsuite import spec
from arsync_pipelines.connectors.netsuite.options import NetSuiteOptions
from arsync_pipelines.connectors.netsuite.statements import Statement, StreamQuery, time_text
from arsync_pipelines.ports.source import StreamSpec


def transaction_totals(types: Sequence[str]) -> Statement:
    """Count and sum of the transactions of these types, by type and currency, with the signs that the ERP writes."""
    return Statement(
        "SELECT t.type AS type, t.currency AS currency, COUNT(*) AS rows_total, SUM(t.foreigntotal) AS amount "
        f"FROM transaction t WHERE {_of_types(types)} GROUP BY t.type, t.currency"
    )


def _date(expression: str) -> str:
    return f"TO_CHAR({expression}, 'YYYY-MM-DD')"


def _columns(stream: StreamSpec, alias: str, *, dates: str = "", times: str = "", **special: str) -> dict[str, str]:
    """Expressions for the raw columns of a stream: `alias`.column unless said otherwise; `special` "" leaves it out."""
    expressions: dict[str, str] = {}
    for item in stream.fields:
        expression = special.get(item.name, f"{alias}.{item.name}")
        if item.name in dates.split():
            expression = _date(expression)
        elif item.name in times.split():
            expression = time_text(expression)
        if expression:
            expressions[item.name] = expression
    return expressions


def _whole(stream: StreamSpec, table: str, *, dates: str = "") -> StreamQuery:
    columns = _columns(stream, "x", dates=dates, times="lastmodifieddate")
    return StreamQuery(stream, columns, f"{table} x", ("id", "x.id"), times=("lastmodifieddate",))


def _children(
    stream: StreamSpec,
    table: str,
    parent: str,
    child: str,
    inner: str,
    where: str,
    *,
    dates: str = "",
    first: str = "",
    only: str = "",
) -> StreamQuery:
    """Children of transactions; `parent`: the column of the child table and of raw that holds the transaction's id.

    `only`: which children, for transactions that are otherwise shown without any.
    """
    special = {parent: "t.id", "transaction_lastmodified": "t.lastmodifieddate"}
    return StreamQuery(
        stream,
        _columns(stream, "c", dates=dates, times="transaction_lastmodified", **special),
        f"transaction t LEFT JOIN {table} c ON c.{parent} = t.id{f' AND {only}' if only else ''}",
        (parent, "t.id"),
        ("transaction_lastmodified", "t.lastmodifieddate"),
        unique=False,
        child=child,
        inner=tuple((column, f"c.{column}") for column in inner.split()),
        where=where,
        first=first,
        times=("transaction_lastmodified",),
    )


def _of_types(types: Sequence[str]) -> str:
    return "t.type IN ({})".format(", ".join(f"'{kind}'" for kind in types))


_CONTROL_ACCOUNTS = f"SELECT a.id FROM account a WHERE a.accttype = '{spec.CONTROL_ACCOUNT_TYPE}'"


def build_queries(options: NetSuiteOptions) -> dict[str, StreamQuery]:
    """The query of every stream, by stream name."""
    types = spec.TRANSACTION_TYPES
    receivables = _of_types(types)
    # of the rest of the ledger what touches a control account, of whatever type
    posts = (
        "EXISTS (SELECT 1 FROM transactionaccountingline p WHERE p.transaction = t.id"
        f" AND p.account IN ({_CONTROL_ACCOUNTS}))"
    )
    concerned = f"({receivables} OR {posts})"
    stamp = ("lastmodifieddate", "x.lastmodifieddate")
    disputes = {
        raw: f"t.{column}" if column else ""
        for raw, column in (
            ("custbody_dispute_reason", options.dispute_reason_field),
            ("custbody_disputed_amount", options.disputed_amount_field),
        )
    }
    address = {f"billing_{part}": f"a.{part}" for part in ("addr1", "city", "state", "zip", "country")}
    times = "lastmodifieddate createddate datecreated"
    queries = (
        _whole(spec.SUBSIDIARY, "subsidiary"),
        _whole(spec.CURRENCY, "currency"),
        _whole(spec.TERM, "term"),
        _whole(spec.ACCOUNT, "account"),
        _whole(spec.ACCOUNTING_PERIOD, "accountingperiod", dates="startdate enddate"),
        StreamQuery(
            spec.CURRENCY_RATE,
            _columns(spec.CURRENCY_RATE, "x", dates="effectivedate", times=times),
            "currencyrate x",
            ("id", "x.id"),
            stamp,
            times=("lastmodifieddate",),
        ),
        StreamQuery(
            spec.CUSTOMER,
            _columns(spec.CUSTOMER, "x", times=times, **address),
            "customer x LEFT JOIN entityaddress a ON a.nkey = x.defaultbillingaddress",
            ("id", "x.id"),
            stamp,
            times=("datecreated", "lastmodifieddate"),
        ),
        StreamQuery(
            spec.TRANSACTION,
            _columns(spec.TRANSACTION, "t", dates="trandate duedate closedate", times=times, **disputes),
            "transaction t",
            ("id", "t.id"),
            ("lastmodifieddate", "t.lastmodifieddate"),
            where=concerned,
            times=("createddate", "lastmodifieddate"),
        ),
        _children(spec.TRANSACTION_LINE, "transactionline", "transaction", "id", "id", concerned),
        _children(
            spec.TRANSACTION_ACCOUNTING_LINE,
            "transactionaccountingline",
            "transaction",
            "transactionline",
            "transactionline account",
            # whatever changed: an edit may have taken its last posting off a control account
            f"({receivables} OR t.posting = 'T')",
            first=concerned,
            only=f"({receivables} OR c.account IN ({_CONTROL_ACCOUNTS}))",
        ),
        _children(
            spec.TRANSACTION_LINK,
            "nexttransactionlinelink",
            "nextdoc",
            "previousdoc",
            "previousdoc previousline nextline",
            _of_types([kind for kind in types if kind != "CustInvc"]),
        ),
        _children(
            spec.TRANSACTION_INSTALLMENT,
            "transactioninstallment",
            "transaction",
            "id",
            "id",
            _of_types(["CustInvc"]),
            dates="duedate",
        ),
        StreamQuery(
            spec.DELETED_RECORD,
            _columns(spec.DELETED_RECORD, "x", times="deleteddate"),
            "deletedrecord x",
            ("recordid", "x.recordid"),
            ("deleteddate", "x.deleteddate"),
            unique=False,  # records of two types may share an id and a second
            times=("deleteddate",),
        ),
    )
    return {query.spec.name: query for query in queries}
