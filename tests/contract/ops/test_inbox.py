"""The inbox: an event is kept once, read again by one run, and settled; whatever happens to the run."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from arsync_pipelines.domain import failpoint
from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.domain.inbox import Event, Hint, InboxState, correlation_of
from arsync_pipelines.ops.inbox import Backlog, InboxStore
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ops.tables import audit_event, inbox_event
from tests.contract.ops.values import Place, at


def event(name: str, *streams: str, body: bytes = b"{}") -> Event:
    hints = tuple(Hint(stream, f"{stream}-of-{name}") for stream in streams or ("invoice",))
    return Event(f"evt_{name}", "invoice.updated", hints, body)


def store(ops: OpsStore, *names: str, connection: str = "pay", seconds: float = 0) -> int:
    return ops.inbox.store(connection, [event(name) for name in names], "stripe-v1", at(seconds))


def ids(entries: Sequence[object]) -> list[str]:
    return [entry.event_id for entry in entries]  # type: ignore[attr-defined]


def told(ops: OpsStore) -> list[tuple[str, dict[str, object]]]:
    with ops.engine.connect() as db:
        rows = db.execute(select(audit_event.c.action, audit_event.c.detail).order_by(audit_event.c.seq))
        return [(row.action, json.loads(row.detail)) for row in rows]


def test_an_event_is_stored_once_per_connection(ops: OpsStore, place: Place) -> None:
    assert store(ops, "a", "b") == 2
    other = place.open()
    assert store(other, "b", "c", seconds=1) == 1
    assert store(other, "a", connection="pay_eu", seconds=2) == 1
    other.close()
    assert [(e.connection, e.event_id) for e in ops.inbox.waiting(at(2))] == [
        ("pay", "evt_a"), ("pay", "evt_b"), ("pay", "evt_c"), ("pay_eu", "evt_a")
    ]  # fmt: skip
    assert [action for action, _ in told(ops)] == ["inbox.received"] * 4
    assert ops.verify().holds


def test_many_deliveries_at_once_of_the_same_event_store_it_once(ops: OpsStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        new = list(threads.map(lambda _n: store(ops, "a", "b"), range(24)))
    assert sum(new) == 2
    assert ops.inbox.counts() == {"pending": 2}
    assert ops.verify().holds


def test_what_is_kept_says_what_came_and_no_more_than_may_be_kept(ops: OpsStore) -> None:
    body = b'{"email": "a@example.com", "note": "password=hunter2", "amount": 5, "big": "' + b"x" * 9000 + b'"}'
    ops.inbox.store("pay", [event("a", body=body)], "stripe-v1", at(0))
    (entry,) = ops.inbox.find("evt_a")
    assert (entry.kind, entry.signature, entry.hints) == (
        "invoice.updated", "stripe-v1", (Hint("invoice", "invoice-of-a"),)
    )  # fmt: skip
    assert entry.body_hash == event("a", body=body).body_hash
    assert '"amount":5' in entry.body and len(entry.body) < 4100
    assert "example.com" not in entry.body and "hunter2" not in entry.body
    assert entry.correlation_id == correlation_of("pay", "evt_a")
    assert ids(ops.inbox.find(entry.correlation_id)) == ids(ops.inbox.find("invoice-of-a")) == ["evt_a"]


def test_an_event_that_names_nothing_of_ours_is_kept_and_ignored(ops: OpsStore) -> None:
    assert ops.inbox.store("pay", [Event("evt_x", "radar.alert", (), b"{}")], "stripe-v1", at(0)) == 1
    (entry,) = ops.inbox.find("evt_x")
    assert (entry.state, entry.settled_at) == (InboxState.IGNORED, at(0))
    assert ops.inbox.waiting(at(9)) == [] and ops.inbox.backlog() == []


def test_an_id_too_long_to_store_is_known_again_all_the_same(ops: OpsStore) -> None:
    long = Event("e" * 400, "k", (Hint("invoice", "k" * 400),), b"{}")
    assert ops.inbox.store("pay", [long], "s", at(0)) == 1
    assert ops.inbox.store("pay", [long], "s", at(1)) == 0


def test_a_run_takes_only_what_it_reads_and_settles_it(ops: OpsStore) -> None:
    ops.inbox.store("pay", [event("a"), event("b", "charge", "refund"), event("c", "charge")], "s", at(0))
    assert ids(ops.inbox.take("run-1", "pay", ["invoice", "charge"], at(1))) == ["evt_a", "evt_c"]
    assert ids(ops.inbox.take("run-2", "pay", ["invoice", "charge"], at(1))) == []
    assert ids(ops.inbox.waiting(at(1))) == ["evt_b"]
    assert ops.inbox.holders() == ["run-1"]
    assert ops.inbox.done("run-1", "pay", at(2)) == 2
    assert ops.inbox.done("run-1", "pay", at(3)) == 0, "safe twice"
    (entry,) = ops.inbox.find("evt_a")
    assert (entry.state, entry.run_id, entry.attempts, entry.settled_at) == (InboxState.DONE, "run-1", 1, at(2))
    assert ops.inbox.counts() == {"done": 2, "pending": 1}
    assert [(action, detail.get("events")) for action, detail in told(ops)[3:]] == [
        ("inbox.taken", ["evt_a", "evt_c"]), ("inbox.done", ["evt_a", "evt_c"])
    ]  # fmt: skip
    assert ops.verify().holds


def test_two_runs_at_once_never_take_the_same_event(ops: OpsStore) -> None:
    store(ops, *(f"n{n:03}" for n in range(60)))
    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(lambda n: ids(ops.inbox.take(f"run-{n}", "pay", ["invoice"], at(1))), range(4)))
    assert sorted(one for some in taken for one in some) == [f"evt_n{n:03}" for n in range(60)]


def test_a_failed_run_leaves_events_waiting_longer_each_time_until_they_failed(ops: OpsStore) -> None:
    inbox = InboxStore(ops.inbox._transactions, attempts=3)
    store(ops, "a")
    now = 0.0
    for wait in (5, 10):
        assert ids(inbox.take("run", "pay", ["invoice"], at(now))) == ["evt_a"]
        assert inbox.give_back("run", "no answer, token=abcdefgh", at(now)) == 1
        assert inbox.waiting(at(now + wait - 1)) == []
        assert [(e.attempts, e.reason) for e in inbox.waiting(at(now + wait))] == [(wait // 5, "no answer, [removed]")]
        now += wait
    inbox.take("run", "pay", ["invoice"], at(now))
    assert inbox.give_back("run", "no answer", at(now)) == 1
    assert inbox.give_back("run", "no answer", at(now)) == 0, "safe twice"
    assert inbox.counts() == {"failed": 1}
    assert told(ops)[-1] == (
        "inbox.returned", {"events": ["evt_a"], "failed": ["evt_a"], "run_id": "run", "why": "no answer"}
    )  # fmt: skip
    assert store(ops, "a") == 0, "and is not new again"


def test_the_backlog_tells_how_much_and_since_when(ops: OpsStore) -> None:
    store(ops, "a", seconds=1)
    store(ops, "b", seconds=2)
    store(ops, "a", connection="crm", seconds=3)
    ops.inbox.take("run", "pay", ["invoice"], at(4))
    assert ops.inbox.backlog() == [Backlog("crm", 1, at(3)), Backlog("pay", 2, at(1))], "taken is not settled"
    ops.inbox.done("run", "pay", at(5))
    assert ops.inbox.backlog() == [Backlog("crm", 1, at(3))]


def test_what_failed_waits_again_when_a_person_says_so(place: Place) -> None:
    ops = place.open()
    inbox = InboxStore(ops.inbox._transactions, attempts=1)
    store(ops, "a", "b")
    ops.inbox.take("run", "pay", ["invoice"], at(1))
    inbox.give_back("run", "no answer", at(2))
    assert [(e.event_id, e.reason) for e in ops.inbox.failed()] == [("evt_a", "no answer"), ("evt_b", "no answer")]
    assert ops.inbox.failed("crm") == []
    assert ops.inbox.retry("pay", ["evt_a", "unknown"], at(3), "me") == ["evt_a"]
    assert ops.inbox.retry("pay", ["evt_a"], at(3), "me") == [], "it has not failed"
    assert [(e.event_id, e.attempts) for e in ops.inbox.waiting(at(3))] == [("evt_a", 0)]
    assert ops.inbox.counts() == {"failed": 1, "pending": 1}
    assert ops.verify().holds
    ops.close()


def test_a_store_that_refuses_says_so_and_keeps_nothing_of_the_delivery(ops: OpsStore) -> None:
    inbox_event.drop(ops.engine)
    with pytest.raises(OpsStoreError, match=r"the operational store refused: .*inbox_event") as refused:
        store(ops, "a")
    assert "select" not in str(refused.value).lower() and "evt_a" not in str(refused.value)
    with pytest.raises(OpsStoreError):
        ops.inbox.backlog()
    assert told(ops) == []


def test_what_the_audit_is_told_is_logged_under_the_same_id_once_committed(
    ops: OpsStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "arsync_pipelines.ops.unit")
    failpoint.arm("inbox.stored:1:raise")
    with pytest.raises(failpoint.FailpointRaised):
        store(ops, "a")
    failpoint.arm("")
    assert caplog.records == []
    store(ops, "a")
    (line,) = caplog.records
    assert line.getMessage() == "inbox.received pay|evt_a"
    assert line.correlation_id == correlation_of("pay", "evt_a")  # type: ignore[attr-defined]
