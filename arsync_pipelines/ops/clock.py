"""One clock for all who share a store: the database server's on Postgres, the machine's on SQLite, or a test's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class StoreClock:
    """`given` replaces the store's own clock."""

    given: Clock | None = None

    def now(self, db: Connection) -> datetime:
        """The time, whatever transaction is open."""
        if self.given is not None:
            return self.given()
        if db.dialect.name == "postgresql":
            found: datetime = db.execute(select(func.clock_timestamp())).scalar_one()
            return found.astimezone(UTC)
        return datetime.now(UTC)
