"""Limits in the store: what one process is told, all obey; what one takes, the others lack."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from arsync_pipelines.domain.limits import GO, Answer, LimitRules, Permit, Quota
from arsync_pipelines.ops.store import OpsStore
from tests.contract.ops.values import Place, at

RULES = LimitRules(requests=40, per_s=60, failures=2, open_s=30)


def test_processes_share_the_tokens_of_a_connection(place: Place, ops: OpsStore) -> None:
    moment = [at(0)]
    stores = [place.open(lambda: moment[0]) for _ in range(4)]
    granted = []
    with ThreadPoolExecutor(4) as threads:
        while (moment[0] - at(0)).total_seconds() < 60:
            permits = [p for p, _ in threads.map(lambda store: store.limits.ask("crm", RULES), stores)]
            granted += [moment[0]] * sum(p == GO for p in permits)
            moment[0] = min((p.until for p in permits if p.until), default=moment[0])
    assert len(granted) in (39, 40), "two at once, and thirty-eight in the window's time, the last at its very end"
    assert granted.count(at(0)) == 2
    assert stores[0].limits.look("other", RULES)[0] == GO, "connections are apart"
    for store in stores:
        store.close()


def test_what_one_is_told_all_obey(place: Place) -> None:
    moment = [at(0)]
    ada, bob = place.open(lambda: moment[0]), place.open(lambda: moment[0])
    rules = LimitRules(failures=2, open_s=30)
    ada.limits.told("crm", rules, Answer(429, 20, Quota(1, 100)))
    assert bob.limits.ask("crm", rules) == (Permit(at(20), "vendor"), at(0))
    moment[0] = at(20)
    assert bob.limits.ask("crm", rules)[0] == GO
    ada.limits.told("crm", rules, Answer(0))
    bob.limits.told("crm", rules, Answer(502))
    assert ada.limits.look("crm", rules)[0] == Permit(at(50), "circuit")
    moment[0] = at(50)
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda store: store.limits.ask("crm", rules, request_s=5)[0], (ada, bob)))
    assert sorted(p.until is None for p in both) == [False, True], "one probes"
    ada.limits.told("crm", rules, Answer(200))
    assert bob.limits.ask("crm", rules)[0] == GO
    state = bob.limits.state("crm", rules)
    assert (state.told_used, state.told_limit, state.told_at) == (1, 100, at(0))
    assert (state.failures, state.openings, state.probing) == (0, 0, False)
    ada.close()
    bob.close()
