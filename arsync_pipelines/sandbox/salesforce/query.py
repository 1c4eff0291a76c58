"""Runs compiled queries: pages, locators, records as JSON. The routes of query and queryAll are in rest/queries.py.

A result larger than a page is a snapshot of row numbers; later pages read the rows as they are then, so a row deleted
in between leaves a short page, and nothing shifts. The fault `page_drift` puts a plain offset in its place, which does.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import orjson

from arsync_pipelines.sandbox.core.drift import columns_in
from arsync_pipelines.sandbox.core.faults import Faults
from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.schema import NUMBERS
from arsync_pipelines.sandbox.salesforce.soql.compiler import Compiled, Scope, compile_query
from arsync_pipelines.sandbox.salesforce.store import VENDOR, Store, stamp
from arsync_pipelines.sandbox.salesforce.values import to_json

LOCATOR_LIFETIME_S = 2 * 24 * 3600
_READ = ("boolean", "anyType")  # types whose stored form is not the shown one


class Queries:
    """Query execution over one store."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    def scope(self, *, include_deleted: bool, path: str = "") -> Scope:
        """What a query sees now, faults included."""
        now = self._store.clock.now()
        return Scope(
            self._store.find_object,
            now.date(),
            include_deleted,
            stamp(now - timedelta(days=float(self._store.settings["recycle_bin_days"]))),
            columns_in(self._faults, VENDOR, "GET", path),
            self._faults.hit(VENDOR, "ignore_filter", "GET", path) is not None,
        )

    def first_page(self, text: str, *, include_deleted: bool, batch: int, version: str) -> dict[str, Any]:
        """The answer to `query?q=`: records, totalSize and a locator when there is more."""
        resource = "queryAll" if include_deleted else "query"
        compiled = compile_query(text, self.scope(include_deleted=include_deleted, path=f"/{resource}"))
        if compiled.kind == "count":
            total = self.count(compiled)
            return {"totalSize": total, "done": True, "records": []}
        if compiled.kind == "aggregate":
            records = self._aggregate(compiled)
            return {"totalSize": len(records), "done": True, "records": records}
        limit = compiled.limit if compiled.limit is not None else -1
        if compiled.limit is not None and compiled.limit <= batch:
            records = self.records(compiled, version, limit=limit)
            return {"totalSize": len(records), "done": True, "records": records}
        rows = self._row_numbers(compiled)
        total = len(rows)
        records = self.records(compiled, version, rows=rows[:batch]) if total else []
        if total <= batch:
            return {"totalSize": total, "done": True, "records": records}
        number = ids.make("01g", self._store.next_number("locator"))
        body = {"text": text, "deleted": include_deleted, "total": total, "batch": batch}
        self._store.connection.execute(
            "insert into locator values (?, ?, ?, ?)",
            (number, orjson.dumps(body).decode(), time.time(), rows.tobytes()),
        )
        return {
            "totalSize": total,
            "done": False,
            "nextRecordsUrl": f"/services/data/{version}/{resource}/{number}-{batch}",
            "records": records,
        }

    def next_page(self, locator: str, *, resource: str, batch: int | None, version: str) -> dict[str, Any]:
        """The page behind `<locator>-<offset>`. Raises INVALID_QUERY_LOCATOR."""
        number, _, offset_text = locator.rpartition("-")
        row = self._store.connection.execute(
            "select body, made_at, rows from locator where id = ?", (number,)
        ).fetchone()
        if row is None or not offset_text.isdigit() or time.time() - row[1] > LOCATOR_LIFETIME_S:
            raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        body, offset = orjson.loads(row[0]), int(offset_text)
        size = batch or body["batch"]
        rows = array("q")
        rows.frombytes(row[2])
        if offset >= len(rows):
            raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        compiled = compile_query(body["text"], self.scope(include_deleted=body["deleted"], path=f"/{resource}"))
        if self._faults.hit(VENDOR, "page_drift", "GET", f"/{resource}/{locator}"):
            rows = self._row_numbers(compiled)
        records = self.records(compiled, version, rows=rows[offset : offset + size])
        page: dict[str, Any] = {"totalSize": body["total"], "done": offset + size >= len(rows), "records": records}
        if not page["done"]:
            page["nextRecordsUrl"] = f"/services/data/{version}/{resource}/{number}-{offset + size}"
        return page

    def count(self, compiled: Compiled) -> int:
        """The number of matches."""
        sql = f"select count(*) {compiled.source} where {compiled.where}"
        total = int(self._store.connection.execute(sql, compiled.params).fetchone()[0])
        return total if compiled.limit is None else min(total, compiled.limit)

    def _row_numbers(self, compiled: Compiled) -> array[int]:
        limit = "" if compiled.limit is None and not compiled.offset else f" limit {_limit(compiled)}"
        cursor = self._store.connection.execute(compiled.row_numbers() + limit, compiled.params)
        return array("q", (row[0] for row in cursor))

    def rows(
        self, compiled: Compiled, *, rows: Sequence[int] | None = None, limit: int = -1
    ) -> Iterable[Sequence[Any]]:
        """Raw rows: root id, ids of the joined parents, then the columns; in order."""
        parents = [f'{alias}."Id"' for alias, _ in compiled.parents.values()]
        chosen = ", ".join(['t."Id"', *parents, *(column.sql for column in compiled.columns)])
        if rows is None:
            sql = f"select {chosen} {compiled.source} where {compiled.where} {compiled.order} limit ? offset ?"
            return self._store.connection.execute(sql, [*compiled.params, limit, compiled.offset])
        alive = "" if compiled.include_deleted else ' and t."IsDeleted" = 0'
        # the snapshot drives the join, so rows come in its order
        source = f"from json_each(?) wanted cross join {compiled.source.removeprefix('from ')}"
        sql = f"select {chosen} {source} where t._row = wanted.value{alive}"
        return self._store.connection.execute(sql, (orjson.dumps(list(rows)).decode(),))

    def records(
        self, compiled: Compiled, version: str, *, rows: Sequence[int] | None = None, limit: int = -1
    ) -> list[dict[str, Any]]:
        """JSON records with their attributes."""
        base = f"/services/data/{version}/sobjects/"
        root = f"{base}{compiled.object.name}/"
        skip = 1 + len(compiled.parents)
        plain = [
            (place + skip, column.item.name, column.item if column.item.type in _READ else None)
            for place, column in enumerate(compiled.columns)
            if not column.relations
        ]
        simple = len(plain) == len(compiled.columns)
        shown = [self._faults.hit(VENDOR, kind, "GET", "/query") for kind in ("retype_column", "grow_enum")]
        distorted = [r for r in shown if r and r.params.get("table", "").lower() == compiled.object.name.lower()]
        parents = [(path, target) for path, (_, target) in compiled.parents.items()]
        out: list[dict[str, Any]] = []
        for row in self.rows(compiled, rows=rows, limit=limit):
            record: dict[str, Any] = {"attributes": {"type": compiled.object.name, "url": root + row[0]}}
            if simple:
                for place, name, item in plain:
                    record[name] = to_json(item, row[place]) if item else row[place]
            else:
                _nested(record, compiled, row, skip, parents, base)
            for rule in distorted:
                column = rule.params["column"]
                if record.get(column) is not None:
                    record[column] = rule.params.get("value", rule.params.get("format", "{}").format(record[column]))
            out.append(record)
        return out

    def _aggregate(self, compiled: Compiled) -> list[dict[str, Any]]:
        chosen = ", ".join(sql for _, _, sql in compiled.labels)
        sql = f"select {chosen} {compiled.source} where {compiled.where}{compiled.tail} {compiled.order}"
        sql += f" limit {_limit(compiled)}"
        records: list[dict[str, Any]] = []
        for row in self._store.connection.execute(sql, compiled.params):
            record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
            for (label, item, _), value in zip(compiled.labels, row, strict=True):
                record[label] = round(value, item.scale) if item.type in NUMBERS and isinstance(value, float) else value
                if item.type == "boolean":
                    record[label] = bool(value)
            records.append(record)
        return records


def _limit(compiled: Compiled) -> str:
    return f"{-1 if compiled.limit is None else compiled.limit} offset {compiled.offset}"


def _nested(
    record: dict[str, Any],
    compiled: Compiled,
    row: Sequence[Any],
    skip: int,
    parents: list[tuple[tuple[str, ...], Any]],
    base: str,
) -> None:
    """Fills a record whose columns cross relationships; a missing parent shows as null."""
    found = {path: (row[1 + place], target) for place, (path, target) in enumerate(parents)}
    for place, column in enumerate(compiled.columns):
        node: dict[str, Any] | None = record
        for depth in range(len(column.relations)):
            path = column.relations[: depth + 1]
            parent_id, target = found[path]
            if node is not None and path[-1] not in node:
                node[path[-1]] = (
                    {"attributes": {"type": target.name, "url": f"{base}{target.name}/{parent_id}"}}
                    if parent_id
                    else None
                )
            node = node[path[-1]] if node is not None else None
        if node is not None:
            node[column.item.name] = to_json(column.item, row[place + skip])
