"""Histories of webhooks, as Hypothesis makes them up: duplicated, reordered, delayed, dropped, forged, replayed, and
the gateway killed before it answers; runs that read again, fail or die. The app and the store are the real ones.

    python -m tests.contract.ops.histories HISTORIES STEPS

runs the long form on SQLite. The model is written from reliability.md: what a 2xx promised is stored, once; what was
never told truly is not; and in the end raw holds what polling alone would bring.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from arsync_pipelines.connectors.stripe.options import StripeOptions
from arsync_pipelines.connectors.stripe.webhook import StripeWebhook
from arsync_pipelines.domain import failpoint
from arsync_pipelines.gateway.app import make_app
from arsync_pipelines.ops.tables import inbox_event
from arsync_pipelines.services.receive import Receiver
from tests.contract.ops.values import Place
from tests.fixtures.asgi import AppClient, calling
from tests.fixtures.webhooks import OLD_SECRET, SECRET, reveal, stripe_event, stripe_headers

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECORDS = 4
TOLERANCE = 300


@dataclass
class Told:
    """What happened over all histories."""

    histories: int = 0
    steps: int = 0
    posts: int = 0
    kills: int = 0
    refused: int = 0
    runs: int = 0

    @property
    def line(self) -> str:
        return (
            f"{self.histories} histories x {self.steps / max(1, self.histories):.0f} steps: {self.posts} deliveries, "
            f"{self.refused} forged or too old, {self.kills} kills before the 2xx, {self.runs} runs; violations 0"
        )


@dataclass
class _Clock:
    instant: datetime = field(default=START)

    def now(self) -> datetime:
        return self.instant


_numbers = count()


def machine(place: Place, told: Told) -> type[RuleBasedStateMachine]:
    """The machine over a store; each history is a connection of its own there."""
    table = {"api_key": {"env": "key"}, "webhook": {"secrets": [{"env": "new"}, {"env": "old"}]}}
    made = StripeOptions.model_validate(table)
    assert made.webhook is not None
    end = StripeWebhook(made.webhook, "", reveal)

    class Histories(RuleBasedStateMachine):
        """One history."""

        def __init__(self) -> None:
            super().__init__()
            self.connection = f"pay_{next(_numbers)}"
            self.clock = _Clock()
            self.source: dict[str, int] = {}  # record -> version that the source holds
            self.raw: dict[str, int] = {}  # record -> version that we hold
            self.under_way: list[str] = []  # events the source has still to deliver
            self.bodies: dict[str, bytes] = {}  # every event that truly happened
            self.promised: set[str] = set()  # events that were answered with a 2xx
            self.held: dict[str, str] = {}  # run that died or is under way -> its state
            self._open()
            told.histories += 1

        def _open(self) -> None:
            self.stack = ExitStack()
            self.ops = place.open()
            self.stack.callback(self.ops.close)
            receiver = Receiver(self.ops.inbox, {self.connection: end}.get, self.clock)
            self.client: AppClient = self.stack.enter_context(calling(make_app(receiver, self.ops.inbox, self.clock)))

        def _post(self, body: bytes, headers: dict[str, str]) -> int:
            told.posts += 1
            return int(self.client.post(f"/webhooks/{self.connection}", content=body, headers=headers).status_code)

        def _signed(self, body: bytes, secret: str = SECRET, age: float = 0) -> dict[str, str]:
            return stripe_headers(body, self.clock.instant.timestamp() - age, secret)

        @rule(record=st.integers(0, RECORDS - 1))
        def happens(self, record: int) -> None:
            """A record changes at the source, which has an event to deliver."""
            name = f"r{record}"
            self.source[name] = self.source.get(name, 0) + 1
            event = f"{name}_{self.source[name]}"
            # the body claims nonsense about the state: nothing may believe it
            self.bodies[event] = stripe_event(f"{self.connection}_{event}", id=name, version=-1)
            self.under_way.append(event)

        @precondition(lambda self: self.under_way)
        @rule(data=st.data(), secret=st.sampled_from([SECRET, OLD_SECRET]))
        def is_delivered(self, data: Any, secret: str) -> None:
            """In any order, after any delay."""
            event = data.draw(st.sampled_from(self.under_way))
            assert self._post(self.bodies[event], self._signed(self.bodies[event], secret)) == 200
            self.under_way.remove(event)
            self.promised.add(event)

        @precondition(lambda self: self.promised)
        @rule(data=st.data())
        def is_delivered_again(self, data: Any) -> None:
            event = data.draw(st.sampled_from(sorted(self.promised)))
            assert self._post(self.bodies[event], self._signed(self.bodies[event])) == 200

        @precondition(lambda self: self.under_way)
        @rule(data=st.data())
        def is_dropped(self, data: Any) -> None:
            """The source gives up."""
            self.under_way.remove(data.draw(st.sampled_from(self.under_way)))

        @precondition(lambda self: self.under_way)
        @rule(data=st.data(), where=st.sampled_from(["inbox.stored", "inbox.committed"]))
        def gateway_dies_before_it_answers(self, data: Any, where: str) -> None:
            event = data.draw(st.sampled_from(self.under_way))
            failpoint.arm(f"{where}:1:raise")
            try:
                assert self._post(self.bodies[event], self._signed(self.bodies[event])) == 503
            finally:
                failpoint.arm("")
            told.kills += 1
            self.stack.close()
            self._open()

        @rule(record=st.integers(0, RECORDS - 1), kind=st.sampled_from(["secret", "body", "none"]))
        def is_forged(self, record: int, kind: str) -> None:
            body = stripe_event(f"{self.connection}_forged_{record}", id=f"r{record}")
            headers = {
                "secret": self._signed(body, "whsec_" + "00" * 24),
                "body": self._signed(body + b" "),
                "none": {},
            }[kind]
            assert self._post(body, headers) == 401
            told.refused += 1

        @precondition(lambda self: self.bodies)
        @rule(data=st.data(), age=st.integers(TOLERANCE + 1, 10**6))
        def is_replayed_old(self, data: Any, age: int) -> None:
            event = data.draw(st.sampled_from(sorted(self.bodies)))
            assert self._post(self.bodies[event], self._signed(self.bodies[event], age=age)) == 400
            told.refused += 1

        @rule(seconds=st.integers(1, 4000))
        def time_passes(self, seconds: int) -> None:
            self.clock.instant += timedelta(seconds=seconds)

        @rule(end=st.sampled_from(["done", "fails", "dies"]), read=st.booleans())
        def a_run_reads_again(self, end: str, read: bool) -> None:
            """Takes what waits, reads the records named there as they are now; may fail or die before or after."""
            run, now = f"{self.connection}_run_{told.runs}", self.clock.instant
            told.runs += 1
            taken = self.ops.inbox.take(run, self.connection, ["invoice"], now)
            if read or end == "done":
                for entry in taken:
                    for hint in entry.hints:
                        self.raw[hint.record_key] = self.source[hint.record_key]
            if end == "done":
                self.ops.inbox.done(run, self.connection, now)
            elif end == "fails":
                self.ops.inbox.give_back(run, "no answer", now)

        @rule()
        def dead_runs_are_found(self) -> None:
            for run in self.ops.inbox.holders():
                if run.startswith(f"{self.connection}_"):
                    self.ops.inbox.give_back(run, "the process of the run ended", self.clock.instant)

        @rule()
        def a_poll_reads_all_news(self) -> None:
            self.raw = dict(self.source)

        @invariant()
        def what_was_promised_is_stored_once_and_nothing_else_is(self) -> None:
            told.steps += 1
            stored = self._stored()
            ids = [event for event, _ in stored]
            assert len(ids) == len(set(ids))
            assert self.promised <= set(ids) <= set(self.bodies)
            assert {state for _, state in stored} <= {"pending", "taken", "done", "failed"}

        @invariant()
        def nothing_newer_than_the_source_is_held(self) -> None:
            assert all(version <= self.source[record] for record, version in self.raw.items())

        def _stored(self) -> list[tuple[str, str]]:
            query = select(inbox_event.c.event_id, inbox_event.c.state)
            with self.ops.engine.connect() as db:
                rows = db.execute(query.where(inbox_event.c.connection == self.connection)).all()
            return [(row[0].removeprefix(f"evt_{self.connection}_"), row[1]) for row in rows]

        def teardown(self) -> None:
            """What is under way comes, what waits is read; then nothing that was told is missing from raw."""
            for event in list(self.under_way):
                assert self._post(self.bodies[event], self._signed(self.bodies[event])) == 200
                self.promised.add(event)
            self.dead_runs_are_found()
            run = f"{self.connection}_run_last"
            for entry in self.ops.inbox.take(run, self.connection, ["invoice"], self.clock.instant):
                for hint in entry.hints:
                    self.raw[hint.record_key] = self.source[hint.record_key]
            self.ops.inbox.done(run, self.connection, self.clock.instant)
            stored = dict(self._stored())
            assert set(stored.values()) <= {"done", "failed"}
            # an event that was dropped may have been the only one to tell of its record's last change
            newest = {record: f"{record}_{version}" for record, version in self.source.items()}
            for record, event in newest.items():
                if stored.get(event) == "done":
                    assert self.raw[record] == self.source[record]
            self.a_poll_reads_all_news()
            assert self.raw == self.source
            assert not [one for one in self.ops.inbox.backlog() if one.connection == self.connection]
            self.stack.close()

    return Histories


def run(place: Place, histories: int, steps: int) -> Told:
    """Run them; raises with the shortest history that breaks a promise."""
    told = Told()
    how = settings(
        max_examples=histories, stateful_step_count=steps, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(machine(place, told), settings=how)  # type: ignore[no-untyped-call]
    ops = place.open()
    verified = ops.verify()
    ops.close()
    assert verified.holds and verified.rows > 0, verified.findings
    return told


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # every refusal is one that was meant
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(run(Place(Path(folder), ""), int(sys.argv[1]), int(sys.argv[2])).line + "\n")
