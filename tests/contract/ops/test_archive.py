"""Archiving: what has ended leaves the store for files, nothing else does, and the proof of the audit stays whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.domain.inbox import Event, Hint
from arsync_pipelines.domain.push import FailureClass, IntentState
from arsync_pipelines.ops.archive import chain
from arsync_pipelines.ops.archive.store import Before
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ops.tables import (
    alert,
    alert_message,
    archive_segment,
    audit_event,
    case_note,
    exception_case,
    inbox_event,
    push_attempt,
    push_intent,
)
from tests.contract.ops.archiver import LATER
from tests.contract.ops.values import Place, at, claim, deliver, intent, settled, states

OLD = at(1000)
BEFORE = Before(OLD, OLD)


def archive(ops: OpsStore, before: Before = BEFORE) -> dict[str, int]:
    """Kind -> rows of its first table that left."""
    ops.checkpoints.write(LATER)
    done: Counter[str] = Counter()
    for segment in ops.archive.run(before, LATER):
        done[segment.kind] += next(iter(segment.rows.values()))
    return dict(done)


def versions(ops: OpsStore, key: str) -> list[int]:
    with ops.engine.connect() as db:
        query = select(push_intent.c.version).where(push_intent.c.business_key == key).order_by(push_intent.c.version)
        return list(db.execute(query).scalars())


def send(ops: OpsStore, key: str, version: int, state: IntentState, seconds: float = 0, **values: object) -> None:
    ops.intents.add([intent(key, version)], at(seconds))
    claim(ops, seconds=seconds + 1)
    ops.intents.settle([settled(key, state, version, seconds + 2, **values)])


@pytest.fixture
def aged(ops: OpsStore) -> OpsStore:
    """A record with three acknowledged versions, one with a refused newest, one superseded before it was sent, two
    under way, and a young one."""
    for version in (1, 2, 3):
        send(ops, "a", version, IntentState.ACKNOWLEDGED, 10 * version)
    send(ops, "b", 1, IntentState.ACKNOWLEDGED, 50)
    send(ops, "b", 2, IntentState.REJECTED, 60, failure_class=FailureClass.BUSINESS, code="NO")
    ops.intents.add([intent("c")], at(70))
    ops.intents.add([intent("c", 2)], at(80))
    ops.intents.add([intent("d")], at(90))
    deliver(ops, "young", seconds=2000)
    return ops


def test_of_intents_only_replaced_and_settled_ones_leave(aged: OpsStore) -> None:
    looked = {one.kind: one.rows for one in aged.archive.look(BEFORE)}
    assert looked == {"intents": 3} and archive(aged)["intents"] == 3
    assert versions(aged, "a") == [3], "the newest, which is the last acknowledged, stays"
    assert versions(aged, "b") == [1, 2], "what is held stays, and so does what was acknowledged last"
    assert versions(aged, "c") == [2]
    latest = aged.intents.latest_versions("crm", "invoice", ["a", "b", "c", "d", "young"])
    assert {key: one.version for key, one in latest.items()} == {"a": 3, "b": 2, "c": 2, "d": 1, "young": 1}
    assert aged.archive.states("intents") == {"acknowledged": 2, "superseded": 1}
    assert archive(aged) == {}, "twice takes nothing more"


def test_a_stale_version_is_refused_though_its_record_was_archived(aged: OpsStore) -> None:
    archive(aged)
    with pytest.raises(OpsStoreError, match="version 2 is stale"):
        aged.intents.add([intent("a", 2)], LATER)


def test_no_number_is_given_twice(ops: OpsStore) -> None:
    """The attempt with the highest number stays, though its intent may leave: what copies attempts goes by numbers."""
    send(ops, "a", 1, IntentState.ACKNOWLEDGED)
    send(ops, "a", 2, IntentState.PENDING, 10, next_attempt_at=at(20))
    ops.intents.add([intent("a", 3)], at(30))
    last = ops.intents.last_attempt()
    assert archive(ops).get("intents") is None and ops.intents.last_attempt() == last
    deliver(ops, "b", seconds=2000)
    assert archive(ops)["intents"] == 1, "version 1 is the last that was acknowledged"
    assert versions(ops, "a") == [1, 3]


def test_a_file_holds_the_rows_as_they_were_and_its_manifest_says_so(aged: OpsStore) -> None:
    with aged.engine.connect() as db:
        before = db.execute(select(push_intent).where(push_intent.c.version == 1, push_intent.c.business_key == "a"))
        kept = dict(before.mappings().one())
    archive(aged)
    segment = aged.archive.stored()[0]
    lines = gzip.decompress((aged.archive.folder / segment.file).read_bytes()).splitlines()
    assert Counter(json.loads(line)["table"] for line in lines) == segment.rows == {"push_intent": 3, "push_attempt": 2}
    manifest = json.loads((aged.archive.folder / segment.file.replace(".ndjson.gz", ".json")).read_text())
    assert (manifest["rows"], manifest["sha256"]) == (segment.rows, segment.sha256)
    assert (manifest["first"], manifest["last"]) == ("crm-invoice-a-1", "crm-invoice-c-1")
    found = aged.archive.find("push_intent", ["crm-invoice-a-1"], "intent_id")
    assert found.rows == [kept] and not found.notes


def test_the_chain_holds_over_archive_and_store(aged: OpsStore) -> None:
    whole = aged.verify()
    assert archive(aged)["audit"] == 19
    verified = aged.verify()
    assert verified.holds, verified.findings
    assert (verified.archived, verified.files) == (19, 2)
    assert verified.rows == whole.rows + 2, "each file was told to the audit"
    with aged.engine.connect() as db:
        assert db.execute(select(func.min(audit_event.c.seq))).scalar() == 20
    deliver(aged, "more", seconds=3000)
    archive(aged, Before(OLD, at(3500)))
    assert aged.verify().holds


def test_the_audit_leaves_only_up_to_the_first_young_row_and_the_last_checkpoint(aged: OpsStore) -> None:
    assert aged.archive.look(BEFORE) == [one for one in aged.archive.look(BEFORE) if one.kind != "audit"]
    assert aged.archive.run(Before(at(0), LATER), LATER) == [], "no checkpoint has seen a row"
    aged.checkpoints.write(LATER)
    looked = {one.kind: one.rows for one in aged.archive.look(Before(at(0), at(21)))}
    assert looked == {"audit": 4}


def test_a_chain_that_does_not_hold_is_not_archived(aged: OpsStore, tamper: Callable[[str], None]) -> None:
    tamper("update audit_event set actor = 'x' where seq = 3")
    aged.checkpoints.write(LATER)
    with pytest.raises(OpsStoreError, match="row 3 does not give its own hash"):
        aged.archive.run(BEFORE, LATER)
    assert [(f.kind, f.first) for f in aged.verify().findings] == [("edited", 3)]


def test_the_database_refuses_to_remove_what_no_file_covers(aged: OpsStore) -> None:
    archive(aged)
    for sql in (
        "delete from audit_event where seq = 20",
        "delete from audit_event",
        "delete from archive_segment",
        "update archive_segment set last_seq = 21 where kind = 'audit'",
    ):
        with pytest.raises(DBAPIError, match="append-only"), aged.engine.begin() as db:
            db.execute(text(sql))
    assert aged.verify().holds


@pytest.mark.parametrize(
    "change",
    [
        {"first_seq": 2}, {"previous_hash": "f" * 64}, {"last_hash": "f" * 64}, {"last_seq": 5}, {"first_seq": None},
        {"sha256": "short"},
    ],
)  # fmt: skip
def test_a_row_that_does_not_continue_the_chain_authorises_nothing(aged: OpsStore, change: dict[str, object]) -> None:
    aged.checkpoints.write(LATER)
    with aged.engine.begin() as db:
        cut = chain.next_cut(db, OLD, LATER)
    assert cut is not None
    columns = {name: getattr(cut[0], name) for name in ("segment_id", "kind", "first_id", "last_id", "first_seq",
               "last_seq", "previous_hash", "last_hash", "from_at", "to_at", "file", "sha256", "at")}  # fmt: skip
    with pytest.raises(DBAPIError, match="only continues the audit"), aged.engine.begin() as db:
        db.execute(insert(archive_segment).values({**columns, "rows": "{}", "states": "{}", **change}))


def findings(ops: OpsStore) -> list[str]:
    return [f.text for f in ops.verify().findings if f.kind == "archive"]


def file_of(ops: OpsStore, kind: str) -> Path:
    return ops.archive.folder / next(s.file for s in ops.archive.stored() if s.kind == kind)


@pytest.mark.parametrize("kind", ["intents", "audit"])
def test_a_missing_file_is_named(aged: OpsStore, kind: str) -> None:
    archive(aged)
    file_of(aged, kind).unlink()
    (found,) = findings(aged)
    assert file_of(aged, kind).name in found and "is missing" in found


@pytest.mark.parametrize("kind", ["intents", "audit"])
def test_an_edited_file_is_named(aged: OpsStore, kind: str) -> None:
    archive(aged)
    path = file_of(aged, kind)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"crm", b"erp"), mtime=0))
    (found,) = findings(aged)
    assert path.name in found and "was changed" in found
    assert all(f.kind == "archive" for f in aged.verify().findings), "the rest is still proved"


def test_an_edited_manifest_is_named(aged: OpsStore) -> None:
    archive(aged)
    manifest = Path(str(file_of(aged, "audit")).replace(".ndjson.gz", ".json"))
    manifest.write_text(manifest.read_text().replace('"rows"', '"Rows"'))
    (found,) = findings(aged)
    assert manifest.name in found


def test_a_file_and_its_row_edited_alike_contradict_the_audit(aged: OpsStore, tamper: Callable[[str], None]) -> None:
    archive(aged)
    segment = next(s for s in aged.archive.stored() if s.kind == "audit")
    path = file_of(aged, "audit")
    forged = gzip.compress(gzip.decompress(path.read_bytes()).replace(b"intent.added", b"intent.adder"), mtime=0)
    path.write_bytes(forged)
    tamper(f"update archive_segment set sha256 = '{hashlib.sha256(forged).hexdigest()}' where kind = 'audit'")
    (again,) = [s for s in aged.archive.stored() if s.segment_id == segment.segment_id]
    path.with_name(path.name.replace(".ndjson.gz", ".json")).write_text(again.manifest)
    kinds = {f.kind for f in aged.verify().findings}
    assert kinds == {"edited", "archive"}
    assert any(f"of segment {segment.segment_id}" in text for text in findings(aged))


def test_rows_removed_by_other_means_are_still_noticed(aged: OpsStore, tamper: Callable[[str], None]) -> None:
    archive(aged)
    tamper("delete from push_attempt where intent_id = 'crm-invoice-a-3';"
           "delete from push_intent where intent_id = 'crm-invoice-a-3'")  # fmt: skip
    assert "push_intent has 8 rows; a checkpoint saw 9" in [f.text for f in aged.verify().findings]


def test_events_cases_alerts_and_messages_leave_once_they_are_over(ops: OpsStore) -> None:
    told = [Event(f"e{n}", "charge", (Hint("charge", f"c{n}"),), b"{}") for n in range(3)]
    ops.inbox.store("pay", told, "stripe", at(0))
    ops.inbox.take("run", "pay", ["charge"], at(1))
    ops.inbox.done("run", "pay", at(2))
    ops.inbox.store("pay", [Event("e9", "charge", (Hint("charge", "c9"),), b"{}")], "stripe", at(3))
    rows = {"title": "t", "text": "t", "affected": 1, "run_id": "", "kind": "quota", "last_seen_at": at(1)}
    message = {"kind": "quota", "channel": "slack", "body": "{}", "created_at": at(1), "next_attempt_at": at(1)}
    case = {
        "fingerprint": "f",
        "origin": "push",
        "failure_class": "business",
        "code": "X",
        "moved_at": at(5),
        "evidence": "",
        "occurrences": 1,
        "first_seen_at": at(1),
        "last_seen_at": at(2),
        "sla_due_at": at(9),
    }
    case |= dict.fromkeys(("system", "connection", "object", "business_key", "field", "legal_entity_id", "customer_id",
                           "customer_name", "region", "invoice", "currency", "owner", "message", "advice",
                           "correlation_id", "intent_id"), "")  # fmt: skip
    note = {"at": at(1), "actor": "a", "event": "opened", "state": "open"}
    with ops.engine.begin() as db:
        for fingerprint, sent, over in (("over", 6, 5), ("untold", 1, 5), ("stands", 1, None)):
            opened = {"opened_at": at(1), "last_sent_at": at(sent), "recovered_at": over and at(over)}
            db.execute(insert(alert).values(fingerprint=fingerprint, **rows, **opened))
        for sent_at in (at(2), None, at(2)):
            db.execute(insert(alert_message).values(**message, sent_at=sent_at))
        for name, state in (("done", "resolved"), ("open", "open"), ("last", "resolved")):
            db.execute(insert(exception_case).values(case_id=name, state=state, amount=None, **case))
            db.execute(insert(case_note).values(case_id=name, **note))
    assert {k: n for k, n in archive(ops).items() if k != "audit"} == {
        "inbox": 3, "cases": 1, "alerts": 1, "messages": 1
    }  # fmt: skip
    with ops.engine.connect() as db:
        assert set(db.execute(select(inbox_event.c.event_id)).scalars()) == {"e9"}
        assert set(db.execute(select(exception_case.c.case_id)).scalars()) == {"open", "last"}
        assert set(db.execute(select(alert.c.fingerprint)).scalars()) == {"untold", "stands"}
        assert db.execute(select(func.count()).select_from(alert_message)).scalar() == 2
    assert ops.archive.find("exception_case", ["done"], "case_id").rows[0]["moved_at"] == at(5)
    assert ops.verify().holds


def test_an_archive_that_cannot_be_written_leaves_the_store_as_it_was(aged: OpsStore) -> None:
    aged.archive.folder.write_text("not a folder")
    aged.checkpoints.write(LATER)
    with pytest.raises(OpsStoreError, match="Nothing was removed"):
        aged.archive.run(BEFORE, LATER)
    aged.archive.folder.unlink()
    assert versions(aged, "a") == [1, 2, 3] and aged.verify().holds


def run(place: Place, failpoints: str = "") -> int:
    command = [sys.executable, "-m", "tests.contract.ops.archiver", str(place.folder), place.url, failpoints]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize("point", ["archive.written:1", "archive.removed:2", "archive.committed:1"])
def test_a_killed_run_is_finished_by_the_next(place: Place, aged: OpsStore, point: str) -> None:
    assert run(place, f"{point}:kill") == -signal.SIGKILL
    assert aged.verify().holds
    assert run(place) == 0
    verified = aged.verify()
    assert verified.holds and (verified.archived, verified.files) == (19, 2)
    assert versions(aged, "a") == [3]
    assert states(aged) == {"acknowledged": 3, "rejected": 1, "in_flight": 2}
    assert aged.archive.states("intents") == {"acknowledged": 2, "superseded": 1}


def whole(ops: OpsStore) -> Counter[str]:
    return Counter(states(ops)) + ops.archive.states("intents")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([IntentState.ACKNOWLEDGED, IntentState.REJECTED, IntentState.DEAD, None, "archive"]),
    ),
    max_size=15,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store; copying it is quicker than migrating."""
    path = tmp_path_factory.mktemp("made") / "ops.sqlite"
    open_store(path).close()
    return path


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate], derandomize=True, database=None)
@given(steps=STEPS)
def test_nothing_is_lost_or_gained_whenever_it_is_archived(
    tmp_path_factory: pytest.TempPathFactory, made: Path, steps: list[tuple[str, IntentState | str | None]]
) -> None:
    """At rest intents = acknowledged + superseded + rejected + dead, over store and archive together."""
    ops = open_store(Path(shutil.copy(made, tmp_path_factory.mktemp("law"))))
    planned: Counter[str] = Counter()
    for second, (key, then) in enumerate(steps):
        if then == "archive":
            archive(ops, Before(LATER, LATER))
            continue
        planned[key] += 1
        ops.intents.add([intent(key, planned[key])], at(10 * second))
        if isinstance(then, IntentState) and claim(ops, seconds=10 * second + 1):
            for taken in ops.intents.in_states("crm", [IntentState.IN_FLIGHT]):
                ops.intents.settle([settled(taken.business_key, then, taken.version, 10 * second + 2)])
    archive(ops, Before(LATER, LATER))
    found = whole(ops)
    assert sum(found.values()) == planned.total()
    assert set(found) <= {"acknowledged", "superseded", "rejected", "dead", "pending"}
    latest = ops.intents.latest_versions("crm", "invoice", planned.keys())
    assert {key: one.version for key, one in latest.items()} == planned
    assert ops.verify().holds
    with ops.engine.connect() as db:
        attempts = db.execute(select(func.count()).select_from(push_attempt)).scalar() or 0
        claims = select(audit_event.c.detail).where(audit_event.c.action == "intents.claimed")
        told = list(db.execute(claims).scalars())
    attempts += sum(s.rows.get("push_attempt", 0) for s in ops.archive.stored())
    told += [row["detail"] for row in ops.archive.find("audit_event", ["intents.claimed"], "action").rows]
    assert attempts == sum(len(json.loads(detail)["attempts"]) for detail in told)
    ops.close()


def test_a_fact_is_traced_in_the_archive(aged: OpsStore) -> None:
    archive(aged)
    notes: list[str] = []
    assert aged.traces.intents("crm-invoice-a-1", 10) == []
    (row,) = aged.traces.archived_intents(["crm-invoice-a-1"], notes)
    assert (row["state"], row["settled_at"]) == ("acknowledged", at(12))
    (attempt,) = aged.traces.archived_attempts([row["intent_id"]], notes)
    assert (attempt.outcome, attempt.ended_at) == ("acknowledged", at(12))
    since: datetime = row["created_at"]
    told = aged.traces.audit([row["correlation_id"]], since, notes)
    assert [one.seq for one in told][:2] == [1, 3] and not notes
    file_of(aged, "intents").unlink()
    assert aged.traces.archived_intents(["crm-invoice-a-1"], notes) == [] and "cannot be read" in notes[0]
