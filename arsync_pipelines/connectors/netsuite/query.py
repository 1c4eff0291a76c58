"""How each stream is asked for in SuiteQL: tables, columns, and the keyset that pages through them.

A stream's rows come ordered by (stamp, key): the last modification and the id of the row, or of its parent transaction
for lines, postings, links and instalments, which carry no modification date of their own. Such a query starts at the
parent and joins the children outwards, so that a transaction whose last child is gone still shows up, empty.

Ids are written into the text as digits (checked), stamps are bound: comparing an id with a bound text would depend on
the server's conversions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from arsync_pipelines.connectors.netsuite import spec
from arsync_pipelines.connectors.netsuite.options import NetSuiteOptions
from arsync_pipelines.ports.source import StreamSpec

TIMESTAMP = "YYYY-MM-DD HH24:MI:SS"
_BOUND = f"TO_TIMESTAMP(?, '{TIMESTAMP}')"


@dataclass(frozen=True, slots=True)
class Statement:
    """One SuiteQL text with its anonymous binds."""

    text: str
    binds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamQuery:
    """`columns`: raw column -> expression. `stamp`: raw column and expression of the cursor ("" for a full read).

    `key`: the raw column that orders rows within a second, and its expression. `unique`: the key names one row; else it
    names a group of rows that a page must hold whole. `child`: raw column that only a child row has, for streams with
    a parent; `inner`: expressions that order the children of one parent.
    """

    spec: StreamSpec
    columns: Mapping[str, str]
    tables: str
    key: tuple[str, str]
    stamp: tuple[str, str] = ("", "")
    unique: bool = True
    child: str = ""
    inner: tuple[tuple[str, str], ...] = ()
    where: str = ""
    times: tuple[str, ...] = field(default=())

    def after(self, stamp: str, keys: Sequence[int] = (), *, until: str = "") -> Statement:
        """Rows after (stamp, key), or from `stamp` on without a key; up to and with `until`, in keyset order.

        The bound on the stamp alone stands first, so that an index on (stamp, key) is walked and nothing is sorted.
        """
        conditions = [self.where] if self.where else []
        binds: list[str] = []
        column = self.stamp[1]
        if column and stamp:
            conditions.append(f"{column} >= {_BOUND}")
            binds.append(stamp)
            if keys:
                conditions.append(f"({column} > {_BOUND} OR {self.key[1]} > {int(keys[0])})")
                binds.append(stamp)
        elif keys:
            conditions.append(f"{self.key[1]} > {int(keys[0])}")
        if until:
            conditions.append(f"{column} <= {_BOUND}")
            binds.append(until)
        order = f"{column}, {self.key[1]}" if column else self.key[1]
        return self._select(conditions, order, binds)

    def block(self, before: str, after: str, keys: Sequence[int] = ()) -> Statement:
        """Rows stamped strictly between two certain times, ordered by key alone."""
        conditions = [self.where] if self.where else []
        conditions += [f"{self.stamp[1]} > {_BOUND}", f"{self.stamp[1]} < {_BOUND}"]
        if keys:
            conditions.append(f"{self.key[1]} > {int(keys[0])}")
        return self._select(conditions, self.key[1], [before, after])

    def within(self, key: int, inner: Sequence[int] = ()) -> Statement:
        """Children of one parent after the inner key `inner`."""
        expressions = [expression for _, expression in self.inner]
        conditions = [f"{self.key[1]} = {int(key)}"]
        if inner:
            conditions.append(_greater(expressions, inner))
        return self._select(conditions, ", ".join(expressions), [])

    def newer(self, stamp: str, keys: Sequence[int]) -> Statement:
        """Keys of what changed after (stamp, key), of everything without them; children are not joined."""
        parent = self.tables.partition(" LEFT JOIN ")[0]
        conditions = [self.where] if self.where else []
        binds: list[str] = []
        if stamp:
            conditions.append(f"{self.stamp[1]} >= {_BOUND}")
            binds.append(stamp)
        if stamp and keys:
            conditions.append(f"({self.stamp[1]} > {_BOUND} OR {self.key[1]} > {int(keys[0])})")
            binds.append(stamp)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return Statement(f"SELECT {self.key[1]} AS id FROM {parent}{where}", tuple(binds))

    def extent(self) -> Statement:
        """Row count of a table that is read whole, and its last modification where it has one."""
        latest = self.columns.get("lastmodifieddate")
        column = f", MAX({latest}) AS latest" if latest else ""
        return Statement(f"SELECT COUNT(*) AS rows_total{column} FROM {self.tables}")

    def probe(self, column: str) -> Statement:
        """A query that works exactly when `column` can be read."""
        return Statement(f"SELECT {self.columns[column]} AS {column} FROM {self.tables}")

    def _select(self, conditions: Sequence[str], order: str, binds: Sequence[str]) -> Statement:
        columns = ", ".join(f"{expression} AS {name}" for name, expression in self.columns.items())
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return Statement(f"SELECT {columns} FROM {self.tables}{where} ORDER BY {order}", tuple(binds))


def transaction_totals(types: Sequence[str]) -> Statement:
    """Count and sum of the transactions of these types, by type and currency, with the signs that the ERP writes."""
    return Statement(
        "SELECT t.type AS type, t.currency AS currency, COUNT(*) AS rows_total, SUM(t.foreigntotal) AS amount "
        f"FROM transaction t WHERE {_of_types(types)} GROUP BY t.type, t.currency"
    )


def _greater(expressions: Sequence[str], values: Sequence[int]) -> str:
    """(a, b, c) > (x, y, z), spelled out: SuiteQL compares no tuples."""
    head, value = expressions[0], int(values[0])
    if len(expressions) == 1:
        return f"{head} > {value}"
    return f"({head} > {value} OR ({head} = {value} AND {_greater(expressions[1:], values[1:])}))"


def _date(expression: str) -> str:
    return f"TO_CHAR({expression}, 'YYYY-MM-DD')"


def _time(expression: str) -> str:
    return f"TO_CHAR({expression}, '{TIMESTAMP}')"


def _columns(stream: StreamSpec, alias: str, *, dates: str = "", times: str = "", **special: str) -> dict[str, str]:
    """Expressions for the raw columns of a stream: `alias`.column unless said otherwise; `special` "" leaves it out."""
    expressions: dict[str, str] = {}
    for item in stream.fields:
        expression = special.get(item.name, f"{alias}.{item.name}")
        if item.name in dates.split():
            expression = _date(expression)
        elif item.name in times.split():
            expression = _time(expression)
        if expression:
            expressions[item.name] = expression
    return expressions


def _whole(stream: StreamSpec, table: str, *, dates: str = "") -> StreamQuery:
    columns = _columns(stream, "x", dates=dates, times="lastmodifieddate")
    return StreamQuery(stream, columns, f"{table} x", ("id", "x.id"), times=("lastmodifieddate",))


def _children(
    stream: StreamSpec, table: str, parent: str, child: str, inner: str, types: Sequence[str], *, dates: str = ""
) -> StreamQuery:
    """Children of transactions; `parent`: the column of the child table and of raw that holds the transaction's id."""
    special = {parent: "t.id", "transaction_lastmodified": "t.lastmodifieddate"}
    return StreamQuery(
        stream,
        _columns(stream, "c", dates=dates, times="transaction_lastmodified", **special),
        f"transaction t LEFT JOIN {table} c ON c.{parent} = t.id",
        (parent, "t.id"),
        ("transaction_lastmodified", "t.lastmodifieddate"),
        unique=False,
        child=child,
        inner=tuple((column, f"c.{column}") for column in inner.split()),
        where=_of_types(types),
        times=("transaction_lastmodified",),
    )


def _of_types(types: Sequence[str]) -> str:
    return "t.type IN ({})".format(", ".join(f"'{kind}'" for kind in types))


def build_queries(options: NetSuiteOptions) -> dict[str, StreamQuery]:
    """The query of every stream, by stream name."""
    types = spec.TRANSACTION_TYPES
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
            where=_of_types(types),
            times=("createddate", "lastmodifieddate"),
        ),
        _children(spec.TRANSACTION_LINE, "transactionline", "transaction", "id", "id", types),
        _children(
            spec.TRANSACTION_ACCOUNTING_LINE,
            "transactionaccountingline",
            "transaction",
            "transactionline",
            "transactionline account",
            types,
        ),
        _children(
            spec.TRANSACTION_LINK,
            "nexttransactionlinelink",
            "nextdoc",
            "previousdoc",
            "previousdoc previousline nextline",
            tuple(kind for kind in types if kind != "CustInvc"),
        ),
        _children(
            spec.TRANSACTION_INSTALLMENT,
            "transactioninstallment",
            "transaction",
            "id",
            "id",
            ("CustInvc",),
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
