"""Limits of connections, shared by all processes: domain.limits over one row per connection, held while it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from arsync_pipelines.domain import limits
from arsync_pipelines.domain.limits import Answer, LimitRules, LimitState, Permit
from arsync_pipelines.ops.bulk import insert_into
from arsync_pipelines.ops.clock import StoreClock
from arsync_pipelines.ops.tables import connection_limit
from arsync_pipelines.ops.unit import Transactions, Unit

_ROW = connection_limit.c


class LimitStore:
    """Permits and answers of connections, by the store's clock. Each method is a transaction of its own."""

    def __init__(self, transactions: Transactions, clock: StoreClock) -> None:
        self._transactions = transactions
        self._clock = clock

    def look(self, connection: str, rules: LimitRules, urgent: bool = False) -> tuple[Permit, datetime]:
        """Whether a request may leave now, and what time it is; counts nothing."""
        state, now = self._read(connection, rules)
        return limits.look(state, rules, now, urgent), now

    def ask(
        self, connection: str, rules: LimitRules, urgent: bool = False, request_s: float = 60.0
    ) -> tuple[Permit, datetime]:
        """Take the permit for one request, and what time it is.

        Where nothing must be counted and the circuit is closed, this only reads.
        """
        state, now = self._read(connection, rules)
        permit = limits.look(state, rules, now, urgent)
        if permit.until is not None or (not rules.counts and not state.openings):
            return permit, now
        taken: list[Permit] = []

        def take(state: LimitState, now: datetime) -> LimitState:
            state, permit = limits.ask(state, rules, now, urgent, request_s)
            taken.append(permit)
            return state

        now = self._change(connection, rules, take)
        return taken[0], now

    def reserve(self, connection: str, rules: LimitRules, number: int) -> tuple[int, Permit, datetime]:
        """Take permits for up to `number` reads at once: how many were given, else until when none is, and the time."""
        taken: list[tuple[int, Permit]] = []

        def take(state: LimitState, now: datetime) -> LimitState:
            state, given, permit = limits.reserve(state, rules, now, number)
            taken.append((given, permit))
            return state

        now = self._change(connection, rules, take)
        return *taken[0], now

    def give_back(self, connection: str, rules: LimitRules, number: int) -> None:
        """Permits of `reserve` that were not used."""
        self._change(connection, rules, lambda state, now: limits.given_back(state, now, number))

    def told(self, connection: str, rules: LimitRules, answer: Answer) -> None:
        """Note an answer, where it tells something new."""
        state, now = self._read(connection, rules)
        if limits.told(state, rules, answer, now) == state:
            return
        self._change(connection, rules, lambda state, now: limits.told(state, rules, answer, now))

    def state(self, connection: str, rules: LimitRules) -> LimitState:
        """As it stands, for people."""
        return self._read(connection, rules)[0]

    def _read(self, connection: str, rules: LimitRules) -> tuple[LimitState, datetime]:
        with self._transactions.read() as db:
            now = self._clock.now(db)
            row = db.execute(select(connection_limit).where(_ROW.connection == connection)).mappings().one_or_none()
        return (limits.first_state(rules, now) if row is None else _state(row)), now

    def _change(
        self, connection: str, rules: LimitRules, change: Callable[[LimitState, datetime], LimitState]
    ) -> datetime:
        query = select(connection_limit).where(_ROW.connection == connection).with_for_update()
        with self._transactions.write() as unit:
            row = unit.db.execute(query).mappings().one_or_none()
            if row is None:
                self._begin(unit, connection, rules)
                row = unit.db.execute(query).mappings().one()
            # once the row is ours: who waited for it must not reckon with the time at which he began to wait
            now = self._clock.now(unit.db)
            values = asdict(change(_state(row), now))
            unit.db.execute(update(connection_limit).where(_ROW.connection == connection).values(values))
        return now

    def _begin(self, unit: Unit, connection: str, rules: LimitRules) -> None:
        values = asdict(limits.first_state(rules, self._clock.now(unit.db)))
        statement = insert_into(unit.db, connection_limit).values(connection=connection, **values)
        unit.db.execute(statement.on_conflict_do_nothing(index_elements=[_ROW.connection]))


def _state(row: Any) -> LimitState:
    return LimitState(**{name: value for name, value in row.items() if name != "connection"})
