"""A NetSuite account over HTTP, and its documents: what a story writes there is what its readers should end up with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.fixtures.netsuite_account import Account

Versions = dict[str, str]
"""What stands under each key ("transaction 5", "line 5:1", "term 2"): the name of its newest version."""


class Books:
    """The documents of an account. Every write is a version with a name of its own, in a column that readers load."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.written = 0
        self._pages = 0
        self._before: dict[int, Callable[[], None]] = {}
        account.refuse = self._asked

    def put(self, number: int, stamp: str, *, amount: int = 100, external_id: str = "") -> None:
        """A new transaction, or a new version of it; `stamp` as the account's own clock shows it."""
        row = {
            "id": number, "type": "CustInvc", "trandate": "2026-06-01", "currency": 1, "foreigntotal": str(amount),
            "externalid": external_id or None, "memo": self._version(), "lastmodifieddate": stamp,
            "createddate": stamp,
        }  # fmt: skip
        self.account.db.execute('delete from "transaction" where id = ?', [number])
        self.account.add("transaction", row)

    def drop(self, number: int, stamp: str) -> None:
        """The transaction is gone, and the account's log says since when."""
        self.account.db.execute('delete from "transaction" where id = ?', [number])
        self.account.add("deletedrecord", {"type": "CustInvc", "recordid": number, "deleteddate": stamp})

    def put_line(self, number: int, line: int) -> None:
        """A line of a transaction, new or anew; it is read when its transaction is `put`."""
        self.drop_line(number, line)
        self.account.add("transactionline", {"transaction": number, "id": line, "memo": self._version()})

    def drop_line(self, number: int, line: int) -> None:
        self.account.db.execute('delete from transactionline where "transaction" = ? and id = ?', [number, line])

    def put_term(self, number: int) -> None:
        self.drop_term(number)
        self.account.add("term", {"id": number, "name": self._version()})

    def drop_term(self, number: int) -> None:
        self.account.db.execute("delete from term where id = ?", [number])

    def before_page(self, page: int, happens: Callable[[], None]) -> None:
        """Let something happen before the next reader is given this page of transactions; pages count from 1."""
        self._pages = 0
        self._before[page] = happens

    def truth(self, streams: tuple[str, ...]) -> Versions:
        """What the account itself holds, of the streams named."""
        found: Versions = {}
        for stream, sql in {
            "transaction": """select 'transaction ' || id, memo from "transaction" """,
            "transaction_line": """select 'line ' || "transaction" || ':' || id, memo from transactionline""",
            "term": "select 'term ' || id, name from term",
        }.items():
            if stream in streams:
                found |= dict(self.account.db.execute(sql).fetchall())
        return found

    def _version(self) -> str:
        self.written += 1
        return f"version {self.written}"

    def _asked(self, _number: int, text: str) -> None:
        """Called for every request, before the account answers it."""
        if "FROM transaction" in text and "ORDER BY" in text and "JOIN" not in text:
            self._pages += 1
            self._before.pop(self._pages, lambda: None)()


@contextmanager
def serving(account: Account) -> Iterator[str]:
    """The address at which the account answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave together

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            url = f"http://{self.headers['Host']}{self.path}"
            answer = account.handle(httpx.Request("POST", url, content=body))
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: Any) -> None:
            """Nothing: a story is hundreds of requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
