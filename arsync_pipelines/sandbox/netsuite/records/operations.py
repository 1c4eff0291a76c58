"""One operation on one record: create, read, update, upsert, delete. Synchronous requests and tasks share it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from ...core.context import SandboxContext
from ..dates import day_of, instant_of
from ..errors import ApiError
from ..store import Store
from . import customer, deposits, fields, transactions
from .jobs import Outcome
from .types import RecordType, existing, record_type, resolve, unknown_names

_VENDOR = "netsuite"

Written = Callable[[str, str, int], None]
"""Called with create, edit or delete, the record type, and the record's id."""


class Operations:
    """Runs operations in one transaction each, journal entry included. `written` hears of what was committed."""

    def __init__(self, store: Store, context: SandboxContext, written: Written = lambda *_: None) -> None:
        self._store = store
        self._context = context
        self._written = written

    def run(self, task: Mapping[str, Any]) -> Outcome:
        """`task`: method, type, key (id, eid:..., or empty), body, strict, root (URL), request_id, replace, expand."""
        record = record_type(task["type"])
        method = task["method"]
        if method == "GET":
            with self._store.lock:
                return 200, {}, self._read(self._store.db, record, task)
        if (method == "POST") == bool(task["key"]):
            raise ApiError(405, "INVALID_REQUEST", f"Method {method} is not allowed for this resource.")
        if method == "PUT" and not task["key"].startswith("eid:"):
            raise ApiError(400, "INVALID_REQUEST", "Upsert works with an external ID only: use eid:<external id>.")
        path = f"/services/rest/record/v1/{record.name}/{task['key']}"
        if task["key"] and self._context.faults.hit(_VENDOR, "lock_row", method, path):
            raise ApiError(
                400, "RCRD_HAS_BEEN_CHANGED", "Record has been changed. Read it again and repeat the request."
            )
        headers = self._check_names(record, task)
        with self._store.write() as db:
            identity, operation = self._write(db, record, task)
            self._context.journal.append(
                _VENDOR, operation, record.name, str(identity), dict(task["body"]), request_id=task["request_id"]
            )
        if method != "DELETE":
            headers["Location"] = f"{task['root']}/{record.name}/{identity}"
        kind = "delete" if method == "DELETE" else "create" if operation == "create" else "edit"
        self._written(kind, record.name, identity)
        return 204, headers, None

    def _write(self, db: sqlite3.Connection, record: RecordType, task: Mapping[str, Any]) -> tuple[int, str]:
        moment = self._context.clock.now()
        now, body = instant_of(moment), task["body"]
        if task["method"] == "DELETE":
            identity = existing(db, record, task["key"])
            if record.type == "Deposit":
                deposits.delete(db, identity, now)
            elif record.type:
                transactions.delete(db, record, identity, now)
            else:
                customer.delete(db, identity, now)
            return identity, "delete"
        found = None if task["method"] == "POST" else resolve(db, record, task["key"])
        if task["method"] == "PATCH":
            found = existing(db, record, task["key"])
        if task["method"] == "PUT":
            body = {**body, "externalId": task["key"].removeprefix("eid:")}
        if found is not None:
            if record.type == "Deposit":
                deposits.update(db, record, found, body, now)
            elif record.type:
                transactions.update(db, record, found, body, now)
            else:
                customer.update(db, found, body, now)
            return found, "update" if task["method"] == "PATCH" else "upsert"
        if record.type:
            today = day_of(self._store.time.wall(now))
            make = deposits.create if record.type == "Deposit" else transactions.create
            identity = make(db, record, body, now, today)
        else:
            identity = customer.create(db, body, now)
        return identity, "create" if task["method"] == "POST" else "upsert"

    @staticmethod
    def _check_names(record: RecordType, task: Mapping[str, Any]) -> dict[str, str]:
        unknown = unknown_names(record, task["body"])
        if not unknown or task["strict"] == "ignore":
            return {}
        detail = f"The field '{unknown[0]}' does not exist on the record '{record.name}'."
        if task["strict"] == "error":
            raise fields.invalid(unknown[0], detail)
        return {"Warning": f'199 NetSuite "{detail}"'}

    def _read(self, db: sqlite3.Connection, record: RecordType, task: Mapping[str, Any]) -> dict[str, Any]:
        identity = existing(db, record, task["key"])
        root = task["root"]
        url = f"{root}/{record.name}/{identity}"
        shown: dict[str, Any] = {"links": [{"rel": "self", "href": url}], "id": str(identity)}
        names = {name: field for name, field in record.fields.items() if name != "account"}
        columns = ", ".join(f'"{field.column}"' for field in names.values())
        row = db.execute(f'select {columns} from "{record.table}" where id = ?', (identity,)).fetchone()
        for (name, field), value in zip(names.items(), row, strict=True):
            if value is not None:
                shown[name] = fields.show(db, field, value, root)
        if record.type:
            self._read_status(db, identity, shown)
        for sublist in sorted(record.sublists):
            shown[sublist] = {"links": [{"rel": "self", "href": f"{url}/{sublist}"}]}
            if task["expand"] and sublist == "apply":
                shown[sublist]["items"] = _applied(db, identity, root)
        return shown

    @staticmethod
    def _read_status(db: sqlite3.Connection, identity: int, shown: dict[str, Any]) -> None:
        status = 'select status, ns_status(type, status) from "transaction" where id = ?'
        code, text = db.execute(status, (identity,)).fetchone()
        shown["status"] = {"id": code, "refName": text.partition(" : ")[2]}


def _applied(db: sqlite3.Connection, identity: int, root: str) -> list[dict[str, Any]]:
    rows = db.execute(
        "select l.previousdoc, l.foreignamount, t.tranid from nexttransactionlinelink l"
        ' join "transaction" t on t.id = l.previousdoc where l.nextdoc = ? order by 1',
        (identity,),
    )
    return [
        {
            "doc": {
                "links": [{"rel": "self", "href": f"{root}/invoice/{doc}"}],
                "id": str(doc),
                "refName": f"Invoice #{name}",
            },
            "apply": True,
            "amount": value / 100,
        }
        for doc, value, name in rows
    ]
