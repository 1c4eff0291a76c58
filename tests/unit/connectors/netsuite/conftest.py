"""A NetSuite account behind httpx.MockTransport: SuiteQL runs on SQLite, with switches for what servers do wrong."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.connectors.netsuite import CONNECTOR
from arsync_pipelines.connectors.netsuite.query import build_queries
from arsync_pipelines.connectors.netsuite.source import NetSuiteSource
from arsync_pipelines.domain.secret import SecretRef

OPTIONS: dict[str, Any] = {
    "account": "1234567_SB1",
    "base_url": "http://127.0.0.1:9",
    "time_zone": "America/Los_Angeles",
    "auth": {
        "method": "tba",
        "consumer_key": {"env": "CK"},
        "consumer_secret": {"env": "CS"},
        "token_id": {"env": "TI"},
        "token_secret": {"env": "TS"},
    },
}
KEYS = re.compile(r"(id|recordid|nkey|transaction|transactionline|previousdoc|previousline|nextdoc|nextline|account)")


def reveal(ref: SecretRef) -> str:
    return f"secret-{ref.env}"


class Account:
    """Rows of the tables; `tamper` may replace a page, `refuse` a request."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: list[httpx.Request] = []
        self.statements: list[str] = []
        self.page_size = 1000
        self.tamper: Callable[[dict[str, Any], str], dict[str, Any]] = lambda page, text: page
        self.refuse: Callable[[int, str], httpx.Response | None] = lambda number, text: None
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.create_function("TO_CHAR", 2, lambda value, _: value)
        self.db.create_function("TO_TIMESTAMP", 2, lambda value, _: value)
        for query in build_queries(CONNECTOR.options.model_validate(OPTIONS)).values():
            for table in re.findall(r"([a-z]+) ([xtca])\b", query.tables):
                text = " ".join([query.tables, query.where, *query.columns.values()])
                columns = re.findall(rf"\b{table[1]}\.([a-z0-9_]+)", text)
                self._create(table[0], sorted({*columns, "id" if table[0] != "deletedrecord" else "recordid"}))

    def _create(self, table: str, columns: list[str]) -> None:
        known = {row["name"] for row in self.db.execute(f'pragma table_info("{table}")')}
        if not known:
            typed = ", ".join(f'"{c}" {"integer" if KEYS.fullmatch(c) else "text"}' for c in columns)
            self.db.execute(f'create table "{table}" ({typed})')
        for column in columns if known else []:
            if column not in known:
                kind = "integer" if KEYS.fullmatch(column) else "text"
                self.db.execute(f'alter table "{table}" add column "{column}" {kind}')

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" for _ in row)
            self.db.execute(f'insert into "{table}" ({names}) values ({marks})', list(row.values()))

    def handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        with self.lock:
            self.requests.append(request)
            self.statements.append(body["q"])
            refused = self.refuse(len(self.requests), body["q"])
            if refused is not None:
                return refused
            limit = min(int(request.url.params["limit"]), self.page_size)
            text = re.sub(r"\btransaction\b", '"transaction"', body["q"])
            try:
                found = self.db.execute(f"{text} limit {limit + 1}", body.get("params", [])).fetchall()
            except sqlite3.OperationalError as error:
                detail = {"detail": f"Search error occurred: {error}", "o:errorCode": "INVALID_PARAMETER"}
                return httpx.Response(400, json={"title": "Bad Request", "status": 400, "o:errorDetails": [detail]})
        items = [
            {"links": [], **{key: str(row[key]) for key in row.keys() if row[key] is not None}}  # noqa: SIM118
            for row in found[:limit]
        ]
        page = {"items": items, "hasMore": len(found) > limit, "count": len(items), "offset": 0}
        date = {"Date": "Wed, 01 Jul 2026 06:00:00 GMT"}
        return httpx.Response(200, json=self.tamper(page, body["q"]), headers=date)

    def source(self, **options: Any) -> NetSuiteSource:
        return NetSuiteSource(
            "erp",
            CONNECTOR.options.model_validate({**OPTIONS, **options}),
            reveal,
            transport=httpx.MockTransport(self.handle),
            retry=Retry(RetryBudget(attempts=4, seconds=60), sleep=lambda _: None),
        )


@pytest.fixture
def account() -> Account:
    return Account()
