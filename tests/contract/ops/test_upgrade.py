"""A store is made, found up to date, upgraded from the form before migrations, or refused when it is newer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, make_url, text

from arsync_pipelines.domain.errors import ConfigError, OpsStoreError
from arsync_pipelines.domain.push import IntentState, PushIntent, payload_hash
from arsync_pipelines.ops.leases import Lease
from arsync_pipelines.ops.migrations import HEAD, VERSION_TABLE
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ops.tables import metadata
from tests.contract.ops.values import Place, at, claim, intent, settled, states

# As tables were made before there were migrations.
BEFORE = """
create table push_intent (
    intent_id varchar(36) not null primary key, connection varchar(100) not null, object varchar(60) not null,
    business_key varchar(255) not null, version integer not null, operation varchar(20) not null,
    payload text not null, before text not null, payload_hash varchar(64) not null,
    idempotency_key varchar(64) not null, parent_key varchar(255) not null,
    correlation_id varchar(36) not null, snapshot_id varchar(64) not null, state varchar(20) not null,
    attempts integer default '0' not null, target_id varchar(64) default '' not null, failure_class varchar(20),
    code varchar(100) default '' not null, message text default '' not null, created_at {instant} not null,
    next_attempt_at {instant} not null, settled_at {instant}, unique (idempotency_key),
    constraint push_intent_state check (
        state in ('pending', 'in_flight', 'acknowledged', 'rejected', 'unknown', 'superseded', 'dead')
    )
);
create unique index push_intent_version on push_intent (connection, object, business_key, version);
create unique index push_intent_in_flight on push_intent (connection, object, business_key)
    where state in ('in_flight', 'unknown');
create index push_intent_due on push_intent (connection, state, object, next_attempt_at);
create table push_attempt (
    attempt_id {serial} not null, intent_id varchar(36) not null,
    number integer not null, kind varchar(20) not null, started_at {instant} not null, ended_at {instant},
    outcome varchar(20), failure_class varchar(20), code varchar(100) default '' not null,
    message text default '' not null, primary key (attempt_id),
    foreign key (intent_id) references push_intent (intent_id)
);
create index ix_push_attempt_intent_id on push_attempt (intent_id);
"""
ROWS = [("a", 1, "superseded"), ("a", 2, "acknowledged"), ("b", 1, "in_flight"), ("c", 1, "pending"), ("d", 1, "dead")]
MOMENT = "2026-01-01 00:00:00.000000"


def plain_engine(place: Place) -> Engine:
    if not place.url:
        return create_engine(f"sqlite:///{place.folder / 'ops.sqlite'}")
    return create_engine(make_url(place.url).set(drivername="postgresql+psycopg2"))


@pytest.fixture
def before(empty: Place) -> Place:
    """A store as it was before migrations, with a push that died in the middle."""
    engine = plain_engine(empty)
    postgres = engine.dialect.name == "postgresql"
    kinds = {"instant": "timestamptz" if postgres else "datetime", "serial": "serial" if postgres else "integer"}
    with engine.begin() as db:
        for statement in BEFORE.format(**kinds).split(";"):
            if statement.strip():
                db.execute(text(statement))
        for key, version, state in ROWS:
            name = f"crm-invoice-{key}-{version}"
            hashed = payload_hash("upsert", {"open_amount": "1.00"})
            told = hashlib.sha256(f"crm|invoice|{key}|{version}|{hashed}".encode()).hexdigest()
            db.execute(
                text(
                    "insert into push_intent (intent_id, connection, object, business_key, version, operation, payload,"
                    " before, payload_hash, idempotency_key, parent_key, correlation_id, snapshot_id, state, attempts,"
                    " created_at, next_attempt_at, settled_at) values"
                    f" ('{name}', 'crm', 'invoice', '{key}', {version}, 'upsert', '{{\"open_amount\": \"1.00\"}}',"
                    f" '{{}}', '{hashed}', '{told}', '001', 'c', 's', '{state}', 1, '{MOMENT}', '{MOMENT}', '{MOMENT}')"
                )
            )
            ended = "null" if state == "in_flight" else f"'{MOMENT}'"
            db.execute(
                text(
                    "insert into push_attempt (intent_id, number, kind, started_at, ended_at)"
                    f" values ('{name}', 1, 'deliver', '{MOMENT}', {ended})"
                )
            )
    engine.dispose()
    return empty


def worker(ops: OpsStore) -> tuple[Lease, list[PushIntent]]:
    """A lease, and what is taken over under it."""
    lease = ops.leases.take(["deliver:crm:1"], "worker", 60)
    assert lease is not None
    return lease, ops.intents.take_over("crm", lease, at(1))


def differences(ops: OpsStore) -> list[Any]:
    """Between the tables that there are and those that are described."""
    with ops.engine.connect() as db:
        context = MigrationContext.configure(db, opts={"version_table": VERSION_TABLE})
        return list(compare_metadata(context, metadata))


def test_a_new_store_has_the_tables_that_are_described(empty: Place) -> None:
    ops = empty.open()
    assert differences(ops) == []
    ops.close()


def test_a_store_from_before_migrations_keeps_what_it_holds_and_goes_on(before: Place) -> None:
    ops = before.open()
    assert differences(ops) == []
    versions = ops.intents.latest_versions("crm", "invoice", "abcd")
    assert {key: (v.version, v.state.value) for key, v in versions.items()} == {
        "a": (2, "acknowledged"),
        "b": (1, "in_flight"),
        "c": (1, "pending"),
        "d": (1, "dead"),
    }
    assert versions["a"].settled_at == at(0)
    assert len(ops.intents.ended_attempts(0, 10)) == 2, "up to the one that has not ended"
    (lease, taken) = worker(ops)
    assert [i.business_key for i in taken] == ["b"], "what was in flight has no lease that lives"
    ops.intents.settle([settled("b", IntentState.PENDING)], lease)
    ops.intents.add([intent("a", 3), intent("d", 2)], at(3))
    assert claim(ops, seconds=4) == ["a", "b", "c", "d"]
    assert states(ops) == {"superseded": 2, "acknowledged": 1, "in_flight": 4}
    assert len({row["attempt_id"] for row in ops.intents.ended_attempts(0, 10)}) == 5
    assert ops.verify().holds
    ops.close()


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(before: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from arsync_pipelines.ops import upgrade

    def run_and_die(db: object) -> None:
        run(db)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    run: Callable[[object], None] = upgrade._run  # type: ignore[assignment]
    monkeypatch.setattr(upgrade, "_run", run_and_die)
    with pytest.raises(KeyboardInterrupt):
        before.open()
    engine = plain_engine(before)
    tables = "pg_tables where schemaname = 'public'" if before.url else "sqlite_master where type = 'table'"
    with engine.connect() as db:
        names = db.execute(text(f"select {'tablename' if before.url else 'name'} from {tables}")).scalars()
        assert set(names) == {"push_intent", "push_attempt"}
    engine.dispose()
    monkeypatch.undo()
    ops = before.open()
    assert differences(ops) == []
    ops.close()


def test_several_processes_may_open_a_new_store_at_once(empty: Place) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(lambda _n: empty.open(), range(4)))
    for ops in stores:
        assert ops.intents.counts() == []
        ops.close()


def test_a_store_of_a_newer_arsync_is_refused(place: Place, ops: OpsStore) -> None:
    with ops.engine.begin() as db:
        assert db.execute(text(f"select version_num from {VERSION_TABLE}")).scalar() == HEAD
        db.execute(text(f"update {VERSION_TABLE} set version_num = '9999'"))
    with pytest.raises(OpsStoreError, match="schema 9999, made by a newer arsync") as refused:
        place.open()
    assert "postgres:" not in str(refused.value).replace("postgres:***", "")


def test_an_address_that_is_none_is_refused_without_showing_it(place: Place) -> None:
    for url in ("mysql://user:hunter2@db.example/x", "hunter2"):
        with pytest.raises(ConfigError, match=r"ops\.url") as refused:
            open_store(place.folder / "ops.sqlite", url)
        assert "hunter2" not in str(refused.value)


def test_a_server_that_does_not_answer_is_named_without_the_password(place: Place) -> None:
    with pytest.raises(OpsStoreError, match=r"127\.0\.0\.1:1/ops cannot be opened") as refused:
        open_store(place.folder / "ops.sqlite", "postgresql://user:hunter2@127.0.0.1:1/ops")
    assert "hunter2" not in str(refused.value)
