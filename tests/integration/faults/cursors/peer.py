"""The same account read with dlt as its documentation reads such a source: the REST source, an incremental cursor on
the last modification, rows merged by their primary key; lines replaced by transaction, payment terms read whole.

The first has the offset paging that the vendor offers and nothing more. The second has the window that dlt calls lag
besides, as long as our overlap. The third has a paginator of its own besides, which asks for what comes after the last
row and gives up when a page ends where one did before, and the hint that of two versions in one load the newer counts.
All read the log of deletions, and look at documents that are not in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.integration.faults.cursors.books import Versions
from tests.integration.faults.cursors.stories import PAGE
from tests.integration.faults.cursors.telling import Contender

LAG = 600.0
"""Seconds; our own overlap."""
_PATH = "services/rest/query/v1/suiteql"
_ISO = "'YYYY-MM-DD\"T\"HH24:MI:SS'"  # a form of time that dlt can take a lag from
_LONG_AGO = "2000-01-01T00:00:00"
_QUERIES = {
    "transaction": ("id, type, foreigntotal, memo", "transaction", "lastmodifieddate", "id"),
    "transaction_line": (
        "c.transaction AS of_transaction, c.id, c.memo",
        "transactionline c JOIN transaction t ON t.id = c.transaction",
        "t.lastmodifieddate",
        "c.transaction, c.id",
    ),
    "deleted_record": ("type, recordid", "deletedrecord", "deleteddate", "recordid"),
}
_KEYS: dict[str, Any] = {
    "transaction": {"primary_key": "id"},
    "transaction_line": {"primary_key": ["of_transaction", "id"], "merge_key": "of_transaction"},
    "deleted_record": {"primary_key": ["type", "recordid"]},
}


class Dlt:
    """`lag`: seconds read again. `keyset`: transactions paged by (stamp, id), and the newer of two versions counts."""

    def __init__(self, url: str, folder: Path, *, lag: float | None = None, keyset: bool = False) -> None:
        os.environ |= {
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "DLT_DATA_DIR": str(folder / "dlt"),
            "RUNTIME__LOG_LEVEL": "CRITICAL",
        }
        import dlt
        from dlt.pipeline.exceptions import PipelineStepFailed

        self.refusals = (PipelineStepFailed,)
        self._url = url
        self._cursor: Mapping[str, Any] = {"lag": lag} if lag else {}
        self._keyset = keyset
        self._pipeline = dlt.pipeline(
            "cursors",
            destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")),
            dataset_name="erp",
            pipelines_dir=str(folder / "pipelines"),
        )

    def read(self, streams: tuple[str, ...]) -> None:
        from dlt.sources.rest_api import rest_api_source

        self._pipeline.run(rest_api_source({
            "client": {"base_url": self._url, "headers": {"Prefer": "transient"}},
            "resources": [self._term() if name == "term" else self._changes(name) for name in streams],
        }))  # fmt: skip

    def present(self, streams: tuple[str, ...]) -> Versions:
        gone = {str(number) for (number,) in self._rows("deleted_record", "recordid")}
        found = {f"transaction {key}": memo for key, memo in self._rows("transaction", "id, memo") if key not in gone}
        if "transaction_line" in streams:
            lines = self._rows("transaction_line", "of_transaction, id, memo")
            found |= {f"line {of}:{key}": memo for of, key, memo in lines if of not in gone}
        if "term" in streams:
            found |= {f"term {key}": name for key, name in self._rows("term", "id, name")}
        return found

    def noticed(self) -> str:
        """Nothing that it would compare with."""
        return ""

    def _changes(self, name: str) -> dict[str, Any]:
        columns, tables, stamp, key = _QUERIES[name]
        text = (
            f"SELECT {columns}, TO_CHAR({stamp}, {_ISO}) AS changed FROM {tables} "
            f"WHERE {stamp} >= TO_TIMESTAMP('{{incremental.start_value}}', {_ISO}) ORDER BY {stamp}, {key}"
        )
        cursor = {"cursor_path": "changed", "initial_value": _LONG_AGO, **self._cursor}
        paging = _keyset(stamp) if self._keyset and name == "transaction" else _offset()
        endpoint = {**_asking(text, paging), "incremental": cursor}
        keys = {**_KEYS[name], "write_disposition": "merge"}
        if self._keyset:
            keys["columns"] = {"changed": {"dedup_sort": "desc"}}
        return {"name": name, **keys, "endpoint": endpoint}

    @staticmethod
    def _term() -> dict[str, Any]:
        return {
            "name": "term",
            "primary_key": "id",
            "write_disposition": "replace",
            "endpoint": _asking("SELECT id, name FROM term ORDER BY id", _offset()),
        }

    def _rows(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """Of a table; none where nothing was ever read into it."""
        with self._pipeline.sql_client() as client:
            there = client.execute_sql(
                "select 1 from information_schema.tables where table_schema = 'erp' and table_name = %s", table
            )
            found = client.execute_sql(f'select {columns} from "{table}"') if there else []
        return [tuple(row) for row in found or []]


def _asking(text: str, paging: Any) -> dict[str, Any]:
    return {"path": _PATH, "method": "POST", "json": {"q": text}, "data_selector": "items", "paginator": paging}


def _offset() -> Any:
    from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

    return OffsetPaginator(PAGE, total_path=None, has_more_path="hasMore")


def _keyset(stamp: str) -> Any:
    """Every page a query of its own: what comes after the last row of the page before."""
    from dlt.sources.helpers.rest_client.paginators import BasePaginator

    class Keyset(BasePaginator):
        def init_request(self, request: Any) -> None:
            self._text = request.json["q"]
            self._seen: set[tuple[str, str]] = set()
            request.params = {"limit": PAGE, "offset": 0}

        def update_state(self, response: Any, data: list[Any] | None = None) -> None:
            self._has_next_page = response.json()["hasMore"]
            self._last = (data or [None])[-1]
            if self._has_next_page and self._last:
                edge = (self._last["changed"], self._last["id"])
                if edge in self._seen:
                    raise ValueError(f"a page ends again at {edge}; the read would never end")
                self._seen.add(edge)

        def update_request(self, request: Any) -> None:
            if self._last is None:
                return
            at = f"TO_TIMESTAMP('{self._last['changed']}', {_ISO})"
            after = f"({stamp} > {at} OR ({stamp} = {at} AND id > {self._last['id']}))"
            head, order = self._text.split(" ORDER BY ")
            request.json["q"] = f"{head} AND {after} ORDER BY {order}"

    return Keyset()


PEERS: Mapping[str, Contender] = {
    "dlt": Dlt,
    "dlt, lag 10 min": partial(Dlt, lag=LAG),
    "dlt, lag 10 min, own keyset": partial(Dlt, lag=LAG, keyset=True),
}
