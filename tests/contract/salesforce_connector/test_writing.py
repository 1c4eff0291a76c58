"""The sink against the stand-in: what the journal holds is what the outcomes say, under every fault."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from arsync_pipelines.connectors.salesforce.setup import ensure_target
from arsync_pipelines.domain.comparison import holds
from arsync_pipelines.domain.push import PushIntent
from tests.fixtures.sources.salesforce import SalesforceCompany as Crm
from tests.fixtures.sources.salesforce import intent

from .conftest import last_entry, written


def batch(crm: Crm, start: int, count: int) -> list[PushIntent]:
    return [intent(crm, n) for n in range(start, start + count)]


def test_preparing_twice_does_nothing(crm: Crm) -> None:
    assert ensure_target(crm.api()) == []


@pytest.mark.parametrize(("start", "threshold"), [(0, 2000), (10_000, 200)])
def test_rows_are_created_then_updated_and_read_back(crm: Crm, start: int, threshold: int) -> None:
    sink, intents = crm.sink(bulk_write_rows=threshold), batch(crm, start, 450)
    first = sink.write("invoice", intents)
    assert Counter((o.kind, o.created) for o in first.outcomes) == {("acknowledged", True): 450}
    assert all(holds(sink.read_back("invoice", [i])[i.business_key], i.payload) for i in intents[:2])
    again = sink.write("invoice", intents)
    assert Counter((o.kind, o.created) for o in again.outcomes) == {("acknowledged", False): 450}
    assert [o.target_id for o in again.outcomes] == [o.target_id for o in first.outcomes]
    seen = sink.read_back("invoice", intents)
    assert all(holds(seen[i.business_key], i.payload) for i in intents)


@pytest.mark.parametrize("threshold", [2000, 200])
def test_cleared_is_cleared(crm: Crm, threshold: int) -> None:
    start = 20_000 + threshold
    sink, intents = crm.sink(bulk_write_rows=threshold), batch(crm, start, 300)
    sink.write("invoice", intents)
    cleared = [replace(i, payload={**i.payload, "aging_bucket": None, "disputed_amount": None}) for i in intents]
    assert {o.kind for o in sink.write("invoice", cleared).outcomes} == {"acknowledged"}
    seen = sink.read_back("invoice", cleared)
    assert all(holds(seen[i.business_key], i.payload) for i in cleared)
    first = seen[cleared[0].business_key]
    assert first is not None
    assert first["aging_bucket"] is None
    assert first["open_amount"] == "1234.56"


@pytest.mark.parametrize("threshold", [2000, 200])
def test_bad_rows_are_rejected_and_their_neighbours_are_not(crm: Crm, threshold: int) -> None:
    start = 30_000 + threshold
    intents = batch(crm, start, 300)
    bad = {5: {"account_id": "001000000000000AAA"}, 77: {"number": "x" * 300}, 299: {"total_amount": "9" * 30}}
    for place, payload in bad.items():
        intents[place] = replace(intents[place], payload={**intents[place].payload, **payload})
    outcomes = crm.sink(bulk_write_rows=threshold).write("invoice", intents).outcomes
    assert [n for n, o in enumerate(outcomes) if o.kind == "rejected"] == sorted(bad)
    assert outcomes[77].code == "STRING_TOO_LONG"
    assert sum(o.kind == "acknowledged" for o in outcomes) == 297


def test_accounts_are_updated_and_cleared(crm: Crm) -> None:
    sink = crm.sink()
    payload = {"open_balance": "1000000.01", "credit_hold": True, "oldest_due_date": "2026-05-01", "current": "0.00"}
    base = intent(crm, 1)
    first = [replace(base, object="account", business_key=crm.account(1), payload=payload)]
    assert sink.write("account", first).outcomes[0].kind == "acknowledged"
    assert holds(sink.read_back("account", first)[crm.account(1)], payload)
    cleared = [replace(first[0], payload=dict.fromkeys(payload))]
    assert sink.write("account", cleared).outcomes[0].kind == "acknowledged"
    assert holds(sink.read_back("account", cleared)[crm.account(1)], cleared[0].payload)


def test_a_connection_cut_after_commit_is_unknown_and_reading_back_settles_it(crm: Crm) -> None:
    before = last_entry(crm)
    crm.stand_in.fault("drop_after", times=1, match={"method": "PATCH", "path": "composite"})
    sink, intents = crm.sink(), batch(crm, 40_000, 200)
    outcomes = sink.write("invoice", intents).outcomes
    assert {o.kind for o in outcomes} == {"unknown"}
    seen = sink.read_back("invoice", intents)
    assert all(holds(seen[i.business_key], i.payload) for i in intents)
    assert Counter(e["operation"] for e in written(crm, before)) == {"create": 200}


def test_a_connection_cut_before_is_unknown_and_reading_back_finds_nothing(crm: Crm) -> None:
    crm.stand_in.fault("drop_before", times=1, match={"method": "PATCH", "path": "composite"})
    sink, intents = crm.sink(), batch(crm, 41_000, 200)
    assert {o.kind for o in sink.write("invoice", intents).outcomes} == {"unknown"}
    assert set(sink.read_back("invoice", intents).values()) == {None}


def test_locked_rows_wait_and_the_rest_is_written(crm: Crm) -> None:
    crm.stand_in.fault("lock_row", times=3)
    outcomes = crm.sink().write("invoice", batch(crm, 42_000, 100)).outcomes
    kinds = Counter(o.kind for o in outcomes)
    assert kinds["retry"] >= 1
    assert kinds["retry"] + kinds["acknowledged"] == 100
    assert {o.code for o in outcomes if o.kind == "retry"} == {"UNABLE_TO_LOCK_ROW"}


@pytest.mark.parametrize("threshold", [2000, 200])
def test_a_storm_ends_with_every_row_accounted_for_and_none_doubled(crm: Crm, threshold: int) -> None:
    start = 50_000 + threshold
    before = last_entry(crm)
    faults = [
        crm.stand_in.fault("error", rate=0.4, times=10, params={"status": [429, 503], "retry_after": 0}),
        crm.stand_in.fault("expire_token", times=2),
    ]
    intents = batch(crm, start, 600)
    outcomes = crm.sink(bulk_write_rows=threshold).write("invoice", intents).outcomes
    assert {o.kind for o in outcomes} == {"acknowledged"}
    assert Counter(e["operation"] for e in written(crm, before)) == {"create": 600}
    assert all(fault.hits for fault in faults)


def test_ten_thousand_rows_take_few_requests(crm: Crm) -> None:
    result = crm.sink().write("invoice", batch(crm, 100_000, 10_000))
    assert {o.kind for o in result.outcomes} == {"acknowledged"}
    assert result.requests <= 60
