"""What a push does about what others did: from the snapshot's suspicion over a look at the target to a finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.domain.drift import FieldEdit, Verdict
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ports.sink import Sighting
from arsync_pipelines.services.deliver import RetryPolicy
from arsync_pipelines.services.drift import DriftPolicy
from arsync_pipelines.services.push import PushReport, PushService
from tests.fixtures.published import PublishedRows, row
from tests.fixtures.targets import ScriptedTarget

KEY = "erp:1"
OURS = {"status": "open", "open_amount": "5.00"}
LATER = timedelta(seconds=1)


@dataclass
class Seeing(ScriptedTarget):
    """A target that tells who changed a record last; `strangers` by key, `gone` are in the recycle bin."""

    strangers: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    edits: int = 0
    history: dict[str, FieldEdit] | None = field(default_factory=dict)
    """By field; None for a target that keeps none."""
    refusal: str = ""

    @property
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + self.edits * LATER

    def edit(self, key: str, by: str = "Ada", **values: Any) -> None:
        self.records["invoice", key].update(values)
        self.strangers[key] = by
        self.edits += 1
        if self.history is not None:
            self.history |= dict.fromkeys(values, FieldEdit(f"005{by}", by, by == "arsync", self.now))

    def look(self, object_name: str, keys: Sequence[str]) -> Mapping[str, Sighting]:
        self.asked.append(list(keys))
        at = self.now
        found = {}
        for key in keys:
            values = self.records.get((object_name, key), {})
            by = self.gone.get(key) or self.strangers.get(key, "arsync")
            if values or key in self.gone:
                found[key] = Sighting(
                    f"id-{key}", values, f"005{by}", by, by == "arsync", at, key in self.gone,
                    edits={} if self.refusal else self.history or {}, edits_unknown=self.refusal,
                )  # fmt: skip
        return found


@pytest.fixture
def ops(tmp_path: Path) -> Iterator[OpsStore]:
    opened = open_store(tmp_path / "ops.sqlite")
    yield opened
    opened.close()


@dataclass
class Scene:
    """`sync`: the snapshot sees the target as it is, wanting `wanted`; then a push."""

    service: PushService
    published: PublishedRows
    target: Seeing
    ops: OpsStore
    wanted: dict[str, Any]

    def see(self) -> None:
        held = self.target.records.get(("invoice", KEY))
        gone = held is None or KEY in self.target.gone
        self.published.rows["sync_salesforce__invoice"] = [row(KEY, self.wanted, None if gone else dict(held or {}))]
        self.published.seen_at = datetime.now(UTC) + LATER

    def sync(self) -> PushReport:
        self.see()
        report = self.service.push(self.target)
        self.target.strangers.pop(KEY, None)
        return report

    def writes(self) -> int:
        return self.target.seen[KEY]


@pytest.fixture
def scene(tmp_path: Path, ops: OpsStore) -> Scene:
    published, target = PublishedRows(), Seeing()
    service = PushService(
        published, ops.intents, tmp_path / "locks", RetryPolicy(2, 0.01, 0.02, 1.0), lambda *_: [],  # type: ignore[arg-type]
        drift=ops.drift,
    )  # fmt: skip
    made = Scene(service, published, target, ops, dict(OURS))
    assert made.sync().planned == {"invoice": 1}
    assert made.sync().planned == {} and target.asked == [], "what agrees is not asked about"
    return made


def test_an_edit_is_put_back_and_told_once(scene: Scene) -> None:
    scene.target.edit(KEY, open_amount="7.00")
    report = scene.sync()
    (found,) = report.drift
    assert (report.planned, scene.writes(), found.action, found.by) == ({"invoice": 1}, 2, "restored", "Ada")
    assert found.fields is not None
    assert {name: (f.verdict, f.observed) for name, f in found.fields.items()} == {
        "open_amount": (Verdict.DRIFT, "7.00")
    }  # fmt: skip
    again = scene.sync()
    assert (again.planned, again.drift, scene.writes()) == ({}, [], 2)
    assert [one.finding for one in scene.ops.drift.find()] == [found]
    assert scene.target.records["invoice", KEY] == OURS


@pytest.mark.parametrize("later", ["Bob", "arsync"])
def test_who_wrote_over_our_field_is_named_whoever_changed_another_later(scene: Scene, later: str) -> None:
    scene.target.edit(KEY, open_amount="7.00")
    at = scene.target.now
    scene.target.edit(KEY, by=later, phone="+49 30 1")
    (found,) = scene.sync().drift
    assert (found.by_id, found.by, found.is_own_user, found.changed_at) == ("005Ada", "Ada", False, at)
    assert found.fields is not None and found.fields["open_amount"].edit == FieldEdit("005Ada", "Ada", False, at)
    assert [one.finding for one in scene.ops.drift.find()] == [found]


def test_each_field_names_its_own_and_the_finding_the_newest(scene: Scene) -> None:
    scene.target.edit(KEY, open_amount="7.00")
    scene.target.edit(KEY, by="Bob", status="paid")
    newest = scene.target.now
    scene.target.edit(KEY, by="Eve", phone="+49 30 1")
    (found,) = scene.sync().drift
    assert {name: f.edit.by for name, f in (found.fields or {}).items() if f.edit} == {
        "open_amount": "Ada", "status": "Bob"
    }  # fmt: skip
    assert (found.by, found.changed_at) == ("Bob", newest)


def test_an_edit_is_told_once_though_the_record_changes_on(scene: Scene) -> None:
    """Held for a person, an edit is seen by each push; who changes another field makes no other edit of it."""
    scene.service = replace(scene.service, drift_policy=DriftPolicy(restores=0))
    scene.target.edit(KEY, open_amount="7.00")
    scene.sync()
    scene.target.edit(KEY, by="Bob", phone="+49 30 1")
    scene.sync()
    assert [one.finding.by for one in scene.ops.drift.find()] == ["Ada"]


@pytest.mark.parametrize("refusal", ["", "INVALID_TYPE: sObject type 'AccountHistory' is not supported"])
def test_without_history_who_changed_the_record_last_is_named_as_before(scene: Scene, refusal: str) -> None:
    scene.target.history, scene.target.refusal = None, refusal
    scene.target.edit(KEY, open_amount="7.00")
    scene.target.edit(KEY, by="Bob", phone="+49 30 1")
    report = scene.sync()
    (found,) = report.drift
    assert (report.planned, found.by, found.changed_at) == ({"invoice": 1}, "Bob", scene.target.now)
    told = (found.fields or {})["open_amount"]
    assert (told.edit, told.edit_unknown) == (None, refusal)


def test_our_own_write_that_the_snapshot_has_not_seen_is_an_echo(scene: Scene) -> None:
    scene.see()
    stale = scene.published.rows["sync_salesforce__invoice"]
    scene.wanted["open_amount"] = "4.00"
    scene.sync()
    scene.wanted["open_amount"] = "3.00"
    scene.published.rows["sync_salesforce__invoice"] = [row(KEY, scene.wanted, {**OURS, "open_amount": "5.00"})]
    report = scene.service.push(scene.target)
    assert (report.planned, report.drift) == ({"invoice": 1}, [])
    assert stale and scene.ops.drift.find() == []


def test_an_edit_that_was_taken_back_meanwhile_sends_nothing(scene: Scene) -> None:
    scene.target.edit(KEY, open_amount="7.00")
    scene.see()
    scene.target.edit(KEY, open_amount="5.00")
    report = scene.service.push(scene.target)
    assert (report.planned, report.drift, report.already_sent) == ({}, [], 1)


def test_what_the_erp_changed_meanwhile_is_sent_instead(scene: Scene) -> None:
    scene.target.edit(KEY, open_amount="7.00")
    scene.wanted["open_amount"] = "2.00"
    (found,) = scene.sync().drift
    assert found.fields is not None and found.fields["open_amount"].verdict is Verdict.OVERTAKEN
    assert scene.target.records["invoice", KEY]["open_amount"] == "2.00"


def test_a_deleted_record_is_made_again_once(scene: Scene) -> None:
    scene.target.gone[KEY] = "Ada"
    report = scene.sync()
    (found,) = report.drift
    assert (found.kind, found.action, found.by, report.planned) == ("deleted", "recreated", "Ada", {"invoice": 1})
    del scene.target.gone[KEY]
    assert scene.sync().drift == []


@pytest.mark.parametrize(("policy", "action"), [("case", "case"), ("ignore", "none")])
def test_by_policy_a_deleted_record_is_not_made_again(scene: Scene, policy: Any, action: str) -> None:
    deleted = {"account": "case", "invoice": policy}
    scene.service = PushService(
        scene.published, scene.ops.intents, scene.service.lock_dir, scene.service.policy, lambda *_: [],  # type: ignore[arg-type]
        drift=scene.ops.drift, drift_policy=DriftPolicy(deleted),  # type: ignore[arg-type]
    )  # fmt: skip
    scene.target.gone[KEY] = "Ada"
    for _ in range(2):
        report = scene.sync()
        assert (report.planned, report.drift_held, scene.writes()) == ({}, 1, 1)
    assert [one.finding.action for one in scene.ops.drift.find()] == [action], "found once, held each time"


def test_who_writes_over_us_again_and_again_is_a_persons_case_but_news_is_still_sent(scene: Scene) -> None:
    for number in range(3):
        scene.target.edit(KEY, open_amount=f"{10 + number}.00")
        assert scene.sync().planned == {"invoice": 1}
    scene.target.edit(KEY, open_amount="99.00")
    for _ in range(2):
        report = scene.sync()
        assert (report.planned, report.drift_held) == ({}, 1)
    assert [one.finding.action for one in scene.ops.drift.find()].count("case") == 1
    assert [f.business_key for f in scene.ops.drift.standing("crm")] == [KEY]
    scene.wanted["status"] = "paid"
    assert scene.sync().planned == {"invoice": 1}
    assert scene.target.records["invoice", KEY] == {"status": "paid", "open_amount": "5.00"}
    assert scene.ops.drift.standing("crm") == []


def test_a_dry_run_asks_the_target_nothing_and_keeps_nothing(scene: Scene) -> None:
    scene.target.edit(KEY, open_amount="7.00")
    scene.see()
    plan = scene.service.plan(scene.target)
    assert [d.reason for d in plan.differences] == ["drift"] and len(plan.drift) == 1
    assert scene.target.asked == [] and scene.ops.drift.find() == []


def test_accounts_that_carried_figures_and_are_gone_are_told_once(scene: Scene) -> None:
    scene.published.rows["sync_salesforce__account"] = [row(key, {"open_balance": "1.00"}) for key in "abc"]
    scene.service.push(scene.target)
    scene.published.rows["sync_salesforce__account"] = []
    at = datetime(2026, 6, 1)
    scene.published.rows["int_salesforce__account_gone"] = [
        {"account_id": key, "merged_into_account_id": into, "gone_at": at}
        for key, into in {"a": "b", "b": "z", "c": None, "never": None}.items()
    ]
    scene.target.gone["c"] = "Ada"
    found = {f.business_key: f for f in scene.service.push(scene.target).drift}
    told = {key: (f.kind, f.action, f.merged_into) for key, f in found.items()}
    assert told == {
        "a": ("merged", "followed", "z"), "b": ("merged", "followed", "z"), "c": ("deleted", "case", "")
    }  # fmt: skip
    assert found["c"].by == "Ada"
    assert scene.service.push(scene.target).drift == []
