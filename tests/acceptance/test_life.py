"""A company's life, in order: first sync, at once again, a day later, one void, one payment, one credit memo.

The first sync is the one that other modules begin with too. The tests share one installation and build upon each other.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from arsync_pipelines.domain.comparison import same
from tests.fixtures.acceptance import CRM_OBJECTS, FirstSync, Scene, assert_agreed, crm

pytestmark = pytest.mark.slow(shares="an installation after its first sync")

TRUTHS = {"account": "accounts", "account_balance": "balances", "invoice": "invoices"}


def planned(report: dict[str, Any]) -> dict[str, int]:
    return {name.split("__", 1)[1]: pushed["planned"] for name, pushed in report["push"].items()}


def new_versions(report: dict[str, Any]) -> dict[str, int]:
    return {name: read["rows_new"] for name, read in report["ingest"].items() if read["rows_new"]}


def test_first_sync_carries_everything_over(first_sync: FirstSync, synced: Scene) -> None:
    report = first_sync.report
    assert report["checks"]["failed"] == []
    assert report["ingest"]["raw_netsuite__transaction"]["rows_new"] > 250
    proof = synced.proof()
    assert planned(report)["invoice"] == proof.invoices_compared > 250, "and those of deposits, discounts, chargebacks"
    assert planned(report)["account_balance"] == proof.balances_compared
    assert all(o["planned"] == o["acknowledged"] and o["rejected"] == 0 for o in report["push"].values())
    assert_agreed(synced)


def test_again_at_once_nothing_is_new_and_nothing_is_sent(synced: Scene) -> None:
    before = synced.journal_end()
    report = synced.sync()
    assert new_versions(report) == {}
    assert planned(report) == {"account": 0, "account_balance": 0, "invoice": 0}
    assert synced.sandbox.journal(after=before) == []
    assert_agreed(synced)


def test_the_proof_foots_today_and_on_past_days(synced: Scene) -> None:
    for day in ("2026-07-01", "2026-05-31", "2026-03-31"):
        said = synced.expect("prove", "--as-of", day, "--json").data
        assert said["foots"] is True
        truth = {
            (row["legal_entity"], row["currency"]): Decimal(row["aging_total"])
            for row in synced.world.truth("tieout", as_of=day)
            if Decimal(row["aging_total"])
        }
        shown = {
            (row["legal_entity"], row["currency"]): Decimal(row["gl_control"])
            for row in said["tie_out"]
            if Decimal(row["gl_control"])
        }
        assert len(truth) > 2
        assert shown == truth, f"as of {day}"
    printed = synced.expect("prove", "--as-of", "2026-07-01").out
    assert "everything foots" in printed and "Findings that stand open" in printed


def test_a_day_later_only_what_changed_is_read_and_pushed(synced: Scene) -> None:
    before = {kind: shown(synced, kind) for kind in TRUTHS}
    journal = synced.journal_end()
    changes = synced.sandbox.advance(1)["changes"]
    report = synced.sync()
    assert_agreed(synced)

    new = new_versions(report)
    # and the end of June, which revalued what was open and took it back
    (revalued,) = synced.published(
        "select count(*) as n from fct_receivable_event "
        "where event_type = 'revalued' and business_date >= date '2026-06-30'"
    )
    touched = documents_touched(synced, changes) + revalued["n"]
    assert 0 < new["raw_netsuite__transaction"] <= touched
    assert new.get("raw_netsuite__customer", 0) <= changes.get("erp_customers", 0)
    assert new.get("raw_stripe__charge", 0) <= changes.get("processor_charges", 0)
    assert not {"raw_netsuite__subsidiary", "raw_netsuite__term", "raw_salesforce__user"} & set(new)

    # what was written is what the passing of the day changed, each record once, and nothing else
    changed = {kind: differing(before[kind], shown(synced, kind)) for kind in TRUTHS}
    writes = Counter((entry["object"], entry["key"]) for entry in synced.writes(journal))
    assert set(writes.values()) == {1}
    sent = Counter(object_name for object_name, _key in writes)
    assert planned(report) == {kind: len(keys) for kind, keys in changed.items()}
    assert sent == Counter({CRM_OBJECTS[kind]: len(keys) for kind, keys in changed.items() if keys})
    assert len(changed["invoice"]) < 250


def test_void_payment_and_credit_memo_each_clear_what_they_must(synced: Scene) -> None:
    open_ones = [
        row
        for row in synced.sandbox.truth("invoices")
        if Decimal(row["open_amount"]) > 0 and row["open_amount"] == row["total_amount"]
    ]
    by_account: dict[str, dict[str, Any]] = {row["account"]: row for row in open_ones}
    chosen = dict(zip(("void", "pay", "credit"), by_account.values(), strict=False))
    assert len(chosen) == 3
    accounts = {row["id"]: row for row in crm(synced, "account")}
    for kind, row in chosen.items():
        synced.sandbox.event(kind, row["number"])
    published = synced.sync("--no-push")
    assert "push" not in published or published["push"] == {}

    plan = synced.expect("plan", "--json").data["crm"]
    journal = synced.journal_end()
    pushed = synced.expect("push", "--json").data
    assert_push_equals_plan(synced, plan, pushed, journal)

    invoices = {(row["legal_entity"], row["number"]): row for row in crm(synced, "ar_invoice")}
    status = {"void": "void", "pay": "paid", "credit": "paid"}
    for kind, row in chosen.items():
        record = invoices[row["legal_entity"], row["number"]]
        cleared = (record["status"], Decimal(str(record["open_amount"])), record["aging_bucket"])
        assert cleared == (status[kind], Decimal(0), None), kind
        account = {a["id"]: a for a in crm(synced, "account")}[row["account"]]
        was, now = accounts[row["account"]], account
        if was["currency"] == row["currency"]:
            fell = Decimal(str(was["open_balance"])) - Decimal(str(now["open_balance"]))
            assert fell == Decimal(row["open_amount"]), kind
        else:
            assert Decimal(str(now["open_balance"])) < Decimal(str(was["open_balance"])), kind
    assert_agreed(synced)


def assert_push_equals_plan(scene: Scene, plan: dict[str, Any], pushed: dict[str, Any], journal: int) -> None:
    """Record by record and field by field: what `plan` announced is what reached the CRM, and nothing besides."""
    announced = {(d["object"], d["key"]): d for d in plan["differences"]}
    assert len(announced) == len(plan["differences"]) == sum(planned(pushed).values()) > 0
    streams = {"account": "account", "account_balance": "ar_account_balance", "invoice": "ar_invoice"}
    held = {
        (kind, row["id"] if kind == "account" else row["external_id"]): row
        for kind, stream in streams.items()
        for row in crm(scene, stream)
    }
    for key, difference in announced.items():
        for name, change in difference["fields"].items():
            assert same(held[key][name], change["would_be"]), (key, name)
    writes = Counter((entry["object"], entry["key"]) for entry in scene.writes(journal))
    assert set(writes) == {(CRM_OBJECTS[kind], key) for kind, key in announced}
    assert set(writes.values()) == {1}
    after = scene.expect("plan", "--json").data["crm"]
    assert after["differences"] == []
    assert after["already_sent"] == len(announced)


def shown(scene: Scene, kind: str) -> dict[str, dict[str, Any]]:
    """Truth rows by their identity."""
    rows = scene.sandbox.truth(TRUTHS[kind])
    return {str(row["world_id"]): row for row in rows}


def differing(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> set[str]:
    def facts(row: dict[str, Any] | None) -> dict[str, Any]:
        return {name: value for name, value in (row or {}).items() if name != "as_of_date"}

    return {key for key in before.keys() | after.keys() if facts(before.get(key)) != facts(after.get(key))}


def documents_touched(scene: Scene, changes: dict[str, int]) -> int:
    kinds = ("invoices", "payments", "credit_memos", "refunds", "journals", "applications", "voids", "write_offs")
    return sum(changes.get(kind, 0) for kind in kinds)
