"""Leases: one holder per name, tokens that only rise, and nothing stored by who has lost his."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from arsync_pipelines.domain.errors import LeaseLost
from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.ops.leases import Lease
from arsync_pipelines.ops.store import OpsStore
from tests.contract.ops.values import Place, at, intent, settled, states

NAMES = ["deliver:crm:1", "deliver:crm:2"]
A = IntentState.ACKNOWLEDGED


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self):  # type: ignore[no-untyped-def]
        return at(self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(place: Place, clock: Clock) -> Iterator[OpsStore]:
    """A store by whose clock nothing passes by itself."""
    opened = place.open(clock)
    yield opened
    opened.close()


def take(ops: OpsStore, holder: str, seconds: float = 60, names: list[str] = NAMES) -> Lease:
    lease = ops.leases.take(names, holder, seconds)
    assert lease is not None
    return lease


def claim(ops: OpsStore, lease: Lease, limit: int = 100, seconds: float = 1) -> list[str]:
    return [i.business_key for i in ops.intents.claim("crm", "invoice", limit, at(seconds), lease)]


def test_a_name_has_one_holder_and_tokens_only_rise(timed: OpsStore, clock: Clock) -> None:
    first, second = take(timed, "ada"), take(timed, "bob")
    assert (first.name, second.name) == tuple(NAMES)
    assert timed.leases.take(NAMES, "eve", 60) is None
    assert [lease.holder for lease in timed.leases.alive("deliver:crm:")] == ["ada", "bob"]
    timed.leases.release(first)
    third = take(timed, "eve")
    assert third.name == first.name
    clock.seconds = 60
    fourth = take(timed, "dan", names=["another"])
    assert first.token < second.token < third.token < fourth.token
    assert timed.leases.alive() == [fourth]


def test_a_lease_is_renewed_until_it_has_expired(timed: OpsStore, clock: Clock) -> None:
    lease = take(timed, "ada", 60)
    clock.seconds = 59
    lease = timed.leases.renew(lease, 60)
    assert lease.expires_at == at(119)
    clock.seconds = 119
    with pytest.raises(LeaseLost, match="deliver:crm:1 with token 1 is lost: it expired at 2026-01-01T00:01:59"):
        timed.leases.renew(lease, 60)
    take(timed, "bob")
    with pytest.raises(LeaseLost, match="bob holds it with the newer token 2"):
        timed.leases.renew(lease, 60)
    timed.leases.release(lease)
    assert [held.holder for held in timed.leases.alive()] == ["bob"], "who has lost a lease cannot end another's"


def test_who_has_lost_his_lease_stores_nothing(timed: OpsStore, clock: Clock) -> None:
    timed.intents.add([intent("a"), intent("b")], at(0))
    zombie = take(timed, "zombie")
    assert claim(timed, zombie, 1) == ["a"]
    clock.seconds = 60
    for act in (
        lambda: claim(timed, zombie),
        lambda: timed.intents.settle([settled("a", A)], zombie),
        lambda: timed.intents.record_read_back([intent("a")], at(1), zombie),
        lambda: timed.intents.take_over("crm", zombie, at(61)) or claim(timed, zombie),
    ):
        with pytest.raises(LeaseLost):
            act()
    assert states(timed) == {"in_flight": 1, "pending": 1}
    assert timed.verify().holds


def test_what_a_dead_worker_claimed_is_taken_over_when_its_lease_has_expired_and_not_before(
    timed: OpsStore, clock: Clock
) -> None:
    timed.intents.add([intent(key) for key in "abc"], at(0))
    dead = take(timed, "dead")
    assert claim(timed, dead, 2) == ["a", "b"]
    timed.intents.settle([settled("b", IntentState.UNKNOWN)], dead)
    clock.seconds = 59
    heir = take(timed, "heir")
    assert timed.intents.take_over("crm", heir, at(59)) == []
    assert timed.intents.claimed_by_others("crm", heir, ["invoice"]) == 2
    clock.seconds = 60
    assert timed.intents.take_over("other", heir, at(60)) == []
    assert {i.business_key for i in timed.intents.take_over("crm", heir, at(60))} == {"a", "b"}
    assert states(timed) == {"unknown": 2, "pending": 1}
    assert timed.intents.take_over("crm", heir, at(60)) == [], "they are his now"
    third = take(timed, "third")
    assert third.name == dead.name
    with pytest.raises(LeaseLost, match="third holds it with the newer token"):
        timed.intents.settle([settled("a", A)], dead)
    with pytest.raises(LeaseLost, match="claimed with token 2, not with 3"):
        timed.intents.settle([settled("a", A)], third)
    timed.intents.settle([settled("a", A), settled("b", A)], heir)
    assert states(timed) == {"acknowledged": 2, "pending": 1}
    attempts = timed.intents.ended_attempts(0, 10)
    assert [(r["business_key"], r["code"]) for r in attempts] == [("a", "PROCESS_LOST"), ("b", "")]
    assert timed.verify().holds


def test_who_knows_himself_alone_ends_the_leases_of_all_others(timed: OpsStore) -> None:
    timed.intents.add([intent("a")], at(0))
    dead = take(timed, "dead")
    claim(timed, dead)
    apart = take(timed, "apart", names=["deliver:other:1"])
    heir = timed.leases.take(NAMES, "heir", 60, alone=True)
    assert heir is not None
    assert [i.business_key for i in timed.intents.take_over("crm", heir, at(1))] == ["a"]
    assert {lease.holder for lease in timed.leases.alive()} == {"heir", apart.holder}


def test_a_child_waits_while_its_parent_is_not_settled(timed: OpsStore) -> None:
    timed.intents.add(
        [intent("p1", object="account", parent_key="1"), intent("p2", object="account", parent_key="2")], at(0)
    )
    timed.intents.add([intent("c1", parent_key="1"), intent("c2", parent_key="2"), intent("c3", parent_key="3")], at(0))
    ada, bob = take(timed, "ada"), take(timed, "bob")

    def children(limit: int = 10) -> list[str]:
        return [i.business_key for i in timed.intents.claim("crm", "invoice", limit, at(1), bob, ["account"])]

    assert [i.business_key for i in timed.intents.claim("crm", "account", 1, at(1), ada)] == ["p1"]
    assert children() == ["c3"]
    outcome = settled("", A)
    timed.intents.settle([type(outcome)("crm-account-p1-1", A, "acknowledged", at(2))], ada)
    assert children() == ["c1"]
    timed.intents.claim("crm", "account", 1, at(1), ada)
    rejected = type(outcome)("crm-account-p2-1", IntentState.REJECTED, "rejected", at(2))
    timed.intents.settle([rejected], ada)
    assert children() == ["c2"], "a parent that a person must look at holds nobody up"


def test_several_claim_at_once_and_each_key_goes_to_one(place: Place, ops: OpsStore) -> None:
    ops.intents.add([intent(f"k{n:03}", parent_key=str(n % 7)) for n in range(300)], at(0))

    def work(number: int) -> list[str]:
        store = place.open()
        lease = take(store, f"w{number}", names=[f"deliver:crm:{n}" for n in range(4)])
        mine = []
        while taken := store.intents.claim("crm", "invoice", 9, at(1), lease):
            store.intents.settle([settled(i.business_key, A) for i in taken], lease)
            mine += [i.business_key for i in taken]
        store.close()
        return mine

    with ThreadPoolExecutor(4) as threads:
        shares = list(threads.map(work, range(4)))
    assert sorted(key for share in shares for key in share) == sorted(f"k{n:03}" for n in range(300))
    assert states(ops) == {"acknowledged": 300}
    assert ops.verify().holds


def test_the_database_itself_refuses_to_give_a_token_twice(ops: OpsStore) -> None:
    take(ops, "ada")
    for statement in ("update lease_counter set token = 1", "delete from lease_counter"):
        with pytest.raises(DatabaseError, match=r"lease_counter"), ops.engine.begin() as db:
            db.execute(text(statement))


def test_by_the_stores_own_clock_a_lease_expires(ops: OpsStore) -> None:
    short = take(ops, "ada", 0.2, NAMES[:1])
    with ThreadPoolExecutor(1) as threads:

        def wait() -> Lease:
            while (found := ops.leases.take(NAMES[:1], "bob", 60)) is None:
                pass
            return found

        assert threads.submit(wait).result(20).token > short.token
    with pytest.raises(LeaseLost):
        ops.leases.renew(short, 60)
