"""The urgent lane: urgent intents are claimed before a burst, with the parents they wait for, and no claim sorts or
scans what waits."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Select, text

from arsync_pipelines.ops import claims
from arsync_pipelines.ops.leases import Lease
from arsync_pipelines.ops.store import OpsStore
from tests.contract.ops.values import START, at, intent, states

OBJECTS = ["account", "invoice"]


@pytest.fixture
def lease(ops: OpsStore) -> Lease:
    taken = ops.leases.take(["deliver:crm:1"], "ada", 600)
    assert taken is not None
    return taken


def urgent(ops: OpsStore, lease: Lease, object_name: str = "invoice", limit: int = 100) -> list[str]:
    number = OBJECTS.index(object_name)
    parents, children = OBJECTS[:number], OBJECTS[number + 1 :]
    taken = ops.intents.claim_urgent("crm", object_name, limit, at(1), lease, parents, children)
    return [i.business_key for i in taken]


def test_the_urgent_go_first_and_the_most_urgent_of_them_first(ops: OpsStore, lease: Lease) -> None:
    ops.intents.add([intent(f"k{n:03}", parent_key=f"{n:03}") for n in range(50)], START)
    ops.intents.add([intent("high", priority=9, parent_key="z"), intent("low", priority=1, parent_key="a")], START)
    assert ops.intents.urgent_due("crm", OBJECTS, at(1))
    assert urgent(ops, lease, limit=1) == ["high"]
    assert urgent(ops, lease) == ["low"]
    assert urgent(ops, lease) == []
    assert not ops.intents.urgent_due("crm", OBJECTS, at(1))
    (taken, *_rest) = ops.intents.claim("crm", "invoice", 1, at(1), lease)
    assert (taken.business_key, taken.priority) == ("k000", 0)


def test_what_an_urgent_intent_waits_for_goes_with_it(ops: OpsStore, lease: Lease) -> None:
    ops.intents.add([intent(f"p{n}", object="account", parent_key=f"{n}") for n in range(5)], START)
    ops.intents.add([intent("hold", priority=9, parent_key="3")], START)
    assert urgent(ops, lease) == [], "a child does not go before its parent"
    assert urgent(ops, lease, "account") == ["p3"]
    assert states(ops) == {"pending": 5, "in_flight": 1}


def test_an_urgent_version_does_not_overtake_its_own_record(ops: OpsStore, lease: Lease) -> None:
    ops.intents.add([intent("k")], START)
    ops.intents.claim("crm", "invoice", 1, at(1), lease)
    ops.intents.add([intent("k", 2, priority=9)], START)
    assert urgent(ops, lease) == []


@pytest.mark.parametrize("is_urgent", [False, True])
def test_a_claim_walks_an_index_however_many_wait(ops: OpsStore, is_urgent: bool) -> None:
    rows = [intent(f"k{n:05}", parent_key=str(n % 37), priority=int(n % 50 == 0)) for n in range(600)]
    ops.intents.add(rows, START)
    make = claims.due_urgent if is_urgent else claims.due
    plan = explain(ops, make("crm", "invoice", 100, at(1), ["account"]))
    assert ("push_intent_urgent" if is_urgent else "push_intent_queue") in plan
    for word in ("Seq Scan", "Sort", "SCAN ", "TEMP B-TREE FOR ORDER", "Hash Anti Join"):
        assert word not in plan, plan


def explain(ops: OpsStore, query: Select[Any]) -> str:
    """The plan, with the statistics of a table that has been in use for a while."""
    postgres = ops.engine.dialect.name == "postgresql"
    sql = str(query.compile(ops.engine, compile_kwargs={"literal_binds": True})).replace("LIMIT ?", "LIMIT -1")
    with ops.engine.connect() as db:
        db.execute(text("analyze push_intent" if postgres else "analyze"))
        rows = db.exec_driver_sql(("explain " if postgres else "explain query plan ") + sql)
        return "\n".join(str(row) for row in rows)
