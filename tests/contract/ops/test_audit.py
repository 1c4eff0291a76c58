"""The audit chain: nothing of it can be changed unnoticed, and what was changed is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.ops.audit.chain import FIRST, Entry, linked
from arsync_pipelines.ops.audit.walk import Finding
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ops.tables import audit_event, audit_head
from tests.contract.ops.values import Place, at, deliver, intent, settled

REFUSED = r"append-only|only moves on"
Tamper = Callable[[str], None]


def found(ops: OpsStore) -> list[tuple[str, int, int]]:
    return [(f.kind, f.first, f.last) for f in ops.verify().findings]


@pytest.fixture
def chain(ops: OpsStore) -> OpsStore:
    """Twelve rows, a checkpoint at the sixth: three times two intents added (2), claimed (1) and settled (1)."""
    for n in range(4):
        deliver(ops, f"k{n}", seconds=10 * n)
        if n == 1:
            ops.checkpoints.write(at(19))
    return ops


def test_an_untouched_chain_holds(chain: OpsStore) -> None:
    verified = chain.verify()
    assert (verified.holds, verified.rows, verified.last, verified.checkpoints) == (True, 12, 12, 1)


def test_an_empty_chain_holds(ops: OpsStore) -> None:
    assert ops.verify().holds
    assert ops.checkpoints.write(at(0)) is None


def test_a_row_can_be_checked_by_the_documented_formula(chain: OpsStore) -> None:
    with chain.engine.connect() as db:
        rows = db.execute(select(audit_event).order_by(audit_event.c.seq)).all()
    previous = FIRST
    for row in rows:
        instant = row.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        values = [row.seq, instant, row.actor, row.action, row.subject_kind, row.subject_id, row.correlation_id]
        content = json.dumps([*values, row.detail], separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()
        assert row.hash == previous


@pytest.mark.parametrize(
    "sql",
    [
        "update audit_event set actor = 'nobody' where seq = 3",
        "delete from audit_event where seq = 12",
        "update audit_checkpoint set hash = 'x'",
        "delete from audit_checkpoint",
        "delete from audit_head",
        "update audit_head set seq = seq - 1",
        "update audit_head set hash = 'x'",
    ],
)
def test_the_database_itself_refuses_to_change_what_was_told(chain: OpsStore, sql: str) -> None:
    with pytest.raises(DBAPIError, match=REFUSED), chain.engine.begin() as db:
        db.execute(text(sql))
    assert chain.verify().holds


def test_the_database_refuses_to_empty_or_replace(chain: OpsStore) -> None:
    if chain.engine.dialect.name == "postgresql":
        statements = [f"truncate {name}" for name in ("audit_event", "audit_checkpoint", "audit_head")]
    else:
        columns = "seq, at, 'nobody', action, subject_kind, subject_id, correlation_id, detail, previous_hash, hash"
        statements = [
            f"insert or replace into audit_event select {columns} from audit_event where seq = 3",
            "insert or replace into audit_checkpoint select seq, 'x', at, rows from audit_checkpoint",
            "insert or replace into audit_head values (1, 1, 'x')",
        ]
    for sql in statements:
        with pytest.raises(DBAPIError, match=REFUSED), chain.engine.begin() as db:
            db.execute(text(sql))
    assert chain.verify().holds


@pytest.mark.parametrize(
    "column", ["at", "actor", "action", "subject_kind", "subject_id", "correlation_id", "detail", "previous_hash"]
)
@pytest.mark.parametrize("seq", [1, 5, 12])
def test_an_edited_row_is_named(chain: OpsStore, tamper: Tamper, column: str, seq: int) -> None:
    value = "'2020-01-01 00:00:00.000000'" if column == "at" else "'x'"
    tamper(f"update audit_event set {column} = {value} where seq = {seq}")
    assert found(chain) == [("edited", seq, seq)]


def test_an_edit_that_brings_its_hash_along_is_named(chain: OpsStore, tamper: Tamper) -> None:
    with chain.engine.connect() as db:
        row = db.execute(select(audit_event).where(audit_event.c.seq == 8)).one()
    entry = Entry(row.at, row.action, row.subject_kind, "another", row.correlation_id, json.loads(row.detail))
    (made,) = linked([entry], row.actor, 7, row.previous_hash)
    tamper(f"update audit_event set subject_id = 'another', hash = '{made['hash']}' where seq = 8")
    assert found(chain) == [("edited", 8, 8)]


@pytest.mark.parametrize(("first", "last"), [(1, 1), (4, 6), (3, 3), (11, 12), (1, 12)])
def test_removed_rows_are_named(chain: OpsStore, tamper: Tamper, first: int, last: int) -> None:
    tamper(f"delete from audit_event where seq between {first} and {last}")
    assert found(chain) == [("removed", first, last)]


def test_rows_cut_off_with_the_head_set_back_are_named_by_the_checkpoint(chain: OpsStore, tamper: Tamper) -> None:
    tamper(
        "delete from audit_event where seq > 4;"
        "update audit_head set seq = 4, hash = (select hash from audit_event where seq = 4)"
    )
    assert found(chain) == [("removed", 5, 6)]


def test_a_missing_head_is_named(chain: OpsStore, tamper: Tamper) -> None:
    tamper("delete from audit_head")
    assert found(chain) == [("removed", 12, 12)]


def test_removed_rows_are_named_though_the_rest_was_renumbered(chain: OpsStore, tamper: Tamper) -> None:
    tamper(
        "delete from audit_event where seq in (8, 9);"
        "update audit_event set seq = seq - 2 where seq > 9;"
        "update audit_head set seq = 10"
    )
    assert found(chain) == [("removed", 8, 9)]


def test_an_inserted_row_is_named(chain: OpsStore, tamper: Tamper) -> None:
    tamper(
        "update audit_event set seq = -seq where seq >= 8;"
        "update audit_event set seq = 1 - seq where seq < 0;"
        "insert into audit_event select 8, at, 'forger', action, subject_kind, subject_id, correlation_id, detail,"
        " previous_hash, hash from audit_event where seq = 7;"
        "update audit_head set seq = 13"
    )
    assert found(chain) == [("inserted", 8, 8)]


def test_a_row_put_behind_the_end_is_named(chain: OpsStore, tamper: Tamper) -> None:
    with chain.engine.connect() as db:
        last = db.execute(select(audit_head)).one()
    (row,) = linked([Entry(at(99), "intent.settled", "intent", "x", "", {})], "forger", last.seq, last.hash)
    values = ", ".join(f"'{value}'" for value in row.values())
    tamper(f"insert into audit_event ({', '.join(row)}) values ({values.replace('+00:00', '')})")
    assert found(chain) == [("inserted", 13, 13)]


def test_reordered_rows_are_named(chain: OpsStore, tamper: Tamper) -> None:
    tamper(
        "update audit_event set seq = -8 where seq = 8;"
        "update audit_event set seq = 8 where seq = 9;"
        "update audit_event set seq = 9 where seq = -8"
    )
    assert found(chain) == [("reordered", 8, 8), ("reordered", 9, 9)]


def test_several_troubles_are_all_named(chain: OpsStore, tamper: Tamper) -> None:
    tamper(
        "update audit_event set actor = 'x' where seq = 2;"
        "delete from audit_event where seq in (5, 9);"
        "update audit_event set detail = '{}' where seq = 11"
    )
    assert found(chain) == [("edited", 2, 2), ("removed", 5, 5), ("removed", 9, 9), ("edited", 11, 11)]


def written_anew(chain: OpsStore, tamper: Tamper) -> None:
    """Another history that agrees with itself, head and all."""
    with chain.engine.connect() as db:
        rows = db.execute(select(audit_event).order_by(audit_event.c.seq)).all()
    entries = [
        Entry(r.at, r.action, r.subject_kind, r.subject_id, r.correlation_id, json.loads(r.detail)) for r in rows
    ]
    made = linked(entries, "forger", 0, FIRST)
    tamper(
        ";".join(
            f"update audit_event set actor = 'forger', previous_hash = '{row['previous_hash']}', hash = '{row['hash']}'"
            f" where seq = {row['seq']}"
            for row in made
        )
        + f";update audit_head set hash = '{made[-1]['hash']}'"
    )


def test_a_history_written_anew_is_seen_by_the_checkpoint(chain: OpsStore, tamper: Tamper) -> None:
    written_anew(chain, tamper)
    assert found(chain) == [("rewritten", 1, 6)]


def test_a_history_written_anew_with_its_checkpoints_is_seen_by_the_exported_file(
    chain: OpsStore, tamper: Tamper
) -> None:
    written_anew(chain, tamper)
    tamper("update audit_checkpoint set hash = (select hash from audit_event where seq = 6)")
    assert found(chain) == [("rewritten", 1, 6), ("checkpoint", 6, 6)]
    tamper("delete from audit_checkpoint")
    assert found(chain) == [("rewritten", 1, 6), ("checkpoint", 6, 6)]


def test_without_the_file_the_checkpoints_of_the_store_still_count(chain: OpsStore, tamper: Tamper) -> None:
    chain.checkpoints.path.unlink()
    assert chain.verify().holds
    written_anew(chain, tamper)
    assert found(chain) == [("rewritten", 1, 6)]


def test_a_file_that_was_tampered_with_is_named(chain: OpsStore) -> None:
    path = chain.checkpoints.path
    line = path.read_text()
    path.write_text("{\n" + line.replace('"push_intent":2', '"push_intent":1'))
    verified = chain.verify()
    assert [f.text for f in verified.findings] == [
        "line 1 of audit-checkpoints.jsonl is no checkpoint",
        "the checkpoint at row 6 is another in audit-checkpoints.jsonl than in the store",
    ]


def test_removed_intents_are_noticed(chain: OpsStore, tamper: Tamper) -> None:
    chain.checkpoints.write(at(50))
    tamper(
        "delete from push_attempt where intent_id = 'crm-invoice-k0-1';"
        "delete from push_intent where intent_id = 'crm-invoice-k0-1'"
    )
    assert [f.text for f in chain.verify().findings] == [
        "push_attempt has 3 rows; a checkpoint saw 4",
        "push_intent has 3 rows; a checkpoint saw 4",
    ]


def test_a_checkpoint_is_taken_once_and_exported_though_a_crash_came_between(chain: OpsStore) -> None:
    path = chain.checkpoints.path
    first = path.read_bytes()
    made = chain.checkpoints.write(at(50))
    assert made is not None
    assert (made.seq, made.rows) == (12, {"push_intent": 4, "push_attempt": 4, "push_key": 4})
    assert chain.checkpoints.write(at(51)) is None
    whole = path.read_bytes()
    path.write_bytes(first + b'{"seq":12,"ha')  # died while it was writing
    assert [c.seq for c in chain.checkpoints.exported().checkpoints] == [6]
    assert chain.verify().holds
    chain.checkpoints.write(at(52))
    assert path.read_bytes() == whole


def test_a_chain_is_one_over_several_processes(place: Place, ops: OpsStore) -> None:
    others = [place.open() for _ in range(3)]
    for n, other in enumerate([*others, ops, *others]):
        deliver(other, f"k{n}", seconds=10 * n)
    for other in others:
        assert other.verify().holds
        other.close()
    assert ops.verify().rows == 21


def test_what_failed_is_not_told(chain: OpsStore) -> None:
    with pytest.raises(ValueError, match="cannot become"):
        chain.intents.settle([settled("k0", IntentState.REJECTED)])
    assert chain.verify().rows == 12


def test_a_tail_told_while_the_chain_is_verified_does_not_confuse(chain: OpsStore, place: Place) -> None:
    """Verification sees one instant: what is added and which checkpoints are taken meanwhile is not its own."""
    other = place.open()
    seen: list[Finding] = []
    for n in range(3):
        other.intents.add([intent(f"later{n}")], at(100 + n))
        seen += chain.verify().findings
    other.checkpoints.write(datetime(2026, 2, 1, tzinfo=UTC))
    assert seen == []
    assert chain.verify().holds
    other.close()
