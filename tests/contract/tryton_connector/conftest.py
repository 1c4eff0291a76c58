"""The connector against a real Tryton with a small company; what landed is kept by key, deletions applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.connectors.tryton import CONNECTOR
from arsync_pipelines.connectors.tryton.sink import TrytonSink
from arsync_pipelines.connectors.tryton.source import TrytonSource
from tests.fixtures.postgres import Postgres, postgres
from tests.fixtures.trytond import Tryton, company, company_dump, running, running_on_postgres

QUICK = Retry(RetryBudget(attempts=6, seconds=20, base=0.02, cap=0.2))
__all__ = ["postgres"]

Rows = dict[str, dict[str, Any]]


class Meddling(httpx.HTTPTransport):
    """The real network, with a hand in it: `before` and `after` are called with the method and the request's number."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.methods: list[str] = []
        self.before: Callable[[str, int], None] = lambda method, number: None
        self.after: Callable[[str, int], None] = lambda method, number: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        import orjson

        self.calls += 1
        method = str(orjson.loads(request.content)["method"])
        self.methods.append(method)
        self.before(method, self.calls)
        response = super().handle_request(request)
        response.read()
        self.after(method, self.calls)
        return response


@dataclass
class Books:
    """A running server and what was read of it so far."""

    tryton: Tryton
    held: dict[str, Rows] = field(default_factory=dict)
    cursors: dict[str, Any] = field(default_factory=dict)

    def reveal(self, ref: Any) -> str:
        assert ref.env == "tryton_password"
        return self.tryton.password

    def source(self, transport: httpx.BaseTransport | None = None, **options: Any) -> TrytonSource:
        given = CONNECTOR.options.model_validate(self.tryton.options(**options))
        return TrytonSource("erp", given, self.reveal, transport=transport, retry=QUICK)

    def sink(self, transport: httpx.BaseTransport | None = None, **options: Any) -> TrytonSink:
        given = CONNECTOR.options.model_validate(self.tryton.options(**options))
        return TrytonSink("erp", given, self.reveal, transport=transport, retry=QUICK)

    def sync(self, stream: str, source: TrytonSource | None = None) -> int:
        """Read on from the last cursor; how many rows are new, different or gone."""
        held, seen, final, changed = self.held.setdefault(stream, {}), set(), False, 0
        for page in (source or self.source()).read(stream, self.cursors.get(stream)):
            rows = {str(row["id"]): dict(row) for row in page.rows}
            assert len(rows) == len(page.rows), "a key came twice in one page"
            changed += sum(held.get(key) != row for key, row in rows.items())
            held.update(rows)
            seen |= rows.keys() | {key for (key,) in page.present}
            self.cursors[stream], final = page.cursor, page.final
        if final:
            gone = held.keys() - seen
            changed += len(gone)
            for key in gone:
                del held[key]
        return changed

    def sync_all(self, source: TrytonSource | None = None) -> dict[str, int]:
        source = source or self.source()
        return {spec.name: self.sync(spec.name, source) for spec in source.streams()}

    def stored(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the server's own database, read past the server."""
        return self.tryton.execute(statement)

    def change(self, statement: str) -> None:
        """A change of the server's own database, made past the server."""
        self.tryton.execute(statement)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def tryton(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[Tryton]:
    folder = tmp_path_factory.mktemp("tryton")
    if request.param == "sqlite":
        with running(company(), folder) as server:
            yield server
    else:
        name = f"ar_{request.module.__name__.rpartition('.')[2]}"
        with running_on_postgres(postgres, company_dump(postgres), folder, name) as server:
            yield server


@pytest.fixture
def books(tryton: Tryton) -> Books:
    return Books(tryton)
