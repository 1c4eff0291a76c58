"""Leases with fencing tokens: the right to act under a name until it expires.

Whoever takes a name gets a token higher than any given before. A lease that has expired is lost for good: it cannot be
renewed, and what its holder still writes to the store is refused (LeaseLost), because the check and the write share a
transaction that holds the lease's row.

Whether a lease has expired is told by one clock for all (ops.clock).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, insert, select, update

from arsync_pipelines.domain.errors import LeaseLost
from arsync_pipelines.ops.clock import StoreClock
from arsync_pipelines.ops.tables import lease as leases
from arsync_pipelines.ops.tables import lease_counter, push_intent
from arsync_pipelines.ops.unit import Transactions, Unit


@dataclass(frozen=True, slots=True)
class Lease:
    """What a holder has in hand. `expires_at` is by the store's clock."""

    name: str
    holder: str
    token: int
    expires_at: datetime


class LeaseStore:
    """Takes, renews and gives back leases, by the store's clock."""

    def __init__(self, transactions: Transactions, clock: StoreClock) -> None:
        self._transactions = transactions
        self._clock = clock

    def take(self, names: Sequence[str], holder: str, seconds: float, *, alone: bool = False) -> Lease | None:
        """The first of `names` that nobody holds, for `seconds`; None when all are held.

        `alone`: the caller knows by other means (a lock of the operating system) that nobody else acts under any of the
        names: all other leases of them end now.
        """
        with self._transactions.write() as unit:
            # who takes waits here for others who take, and has none of the leases' rows meanwhile
            token = int(unit.db.execute(select(lease_counter.c.token).with_for_update()).scalar_one()) + 1
            now = self._clock.now(unit.db)
            if alone:
                _end(unit, now, leases.c.name.in_(names), leases.c.expires_at > now)
            query = select(leases.c.name, leases.c.expires_at).where(leases.c.name.in_(names))
            until = {row.name: row.expires_at for row in unit.db.execute(query)}
            free = next((name for name in names if name not in until or until[name] <= now), None)
            if free is None:
                return None
            unit.db.execute(update(lease_counter).values(token=token))
            expires_at = now + timedelta(seconds=seconds)
            values = {"holder": holder, "token": token, "expires_at": expires_at}
            if free in until:
                unit.db.execute(update(leases).where(leases.c.name == free).values(values))
            else:
                unit.db.execute(insert(leases).values(name=free, **values))
            return Lease(free, holder, token, expires_at)

    def renew(self, held: Lease, seconds: float) -> Lease:
        """The same lease, `seconds` from now. Raises LeaseLost when it has expired or was taken."""
        with self._transactions.write() as unit:
            now = self._clock.now(unit.db)
            expires_at = now + timedelta(seconds=seconds)
            mine = (leases.c.name == held.name, leases.c.token == held.token, leases.c.expires_at > now)
            if unit.db.execute(update(leases).where(*mine).values(expires_at=expires_at)).rowcount != 1:
                raise self._lost(unit.db, held, now)
            return Lease(held.name, held.holder, held.token, expires_at)

    def release(self, held: Lease) -> None:
        """Give a lease back; one that is lost already is let be."""
        with self._transactions.write() as unit:
            now = self._clock.now(unit.db)
            _end(unit, now, leases.c.name == held.name, leases.c.token == held.token, leases.c.expires_at > now)

    def require(self, unit: Unit, held: Lease) -> None:
        """Hold the lease's row until the transaction ends: nobody takes over meanwhile. Raises LeaseLost."""
        now = self._clock.now(unit.db)
        query = select(leases.c.token, leases.c.expires_at).where(leases.c.name == held.name)
        row = unit.db.execute(query.with_for_update(read=True)).one_or_none()
        if row is None or row.token != held.token or row.expires_at <= now:
            raise self._lost(unit.db, held, now)

    def expired(self, unit: Unit) -> ColumnElement[bool]:
        """Condition on push_intent.lease_token: its lease has expired, and its holder is in no transaction that began
        before that. Rows of expired leases are held until the transaction ends."""
        now = self._clock.now(unit.db)
        gone = select(leases.c.token).where(leases.c.expires_at <= now).with_for_update(skip_locked=True)
        tokens: list[int] = list(unit.db.execute(gone).scalars())
        return push_intent.c.lease_token.not_in(select(leases.c.token).where(leases.c.token.not_in(tokens)))

    def alive(self, name_prefix: str = "") -> list[Lease]:
        """Leases that have not expired, by name."""
        with self._transactions.read() as db:
            query = select(leases).where(leases.c.expires_at > self._clock.now(db)).order_by(leases.c.name)
            if name_prefix:
                query = query.where(leases.c.name.startswith(name_prefix, autoescape=True))
            return [Lease(row.name, row.holder, row.token, row.expires_at) for row in db.execute(query)]

    def _lost(self, db: Connection, held: Lease, now: datetime) -> LeaseLost:
        row = db.execute(select(leases).where(leases.c.name == held.name)).one_or_none()
        if row is not None and row.token != held.token:
            why = f"{row.holder} holds it with the newer token {row.token}"
        else:
            since = held.expires_at if row is None else row.expires_at
            why = f"it expired at {since.isoformat()} and it is {now.isoformat()}"
        return LeaseLost(
            f"lease {held.name} with token {held.token} is lost: {why}. Nothing was stored; what was claimed under it "
            "is read back and settled by the next who delivers."
        )


def _end(unit: Unit, now: datetime, *which: ColumnElement[bool]) -> None:
    unit.db.execute(update(leases).where(*which).values(expires_at=now))
