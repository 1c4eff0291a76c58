"""Drift on the way from a plan to its intents: which differences are somebody else's doing, and what is done then.

A plan's differences are what the target lacks. Those of records that we wrote before, and that hold what nobody knows
of, are looked at in the target itself: who changed them, when, and whether it is still so. Nothing else is read.

    somebody else wrote what is ours   sent again with reason `drift`; too often in too short a time: a person's case
    a record of ours is gone           made again with reason `recreate`, or a case, by policy
    an account is gone                 merged: the survivor carries on; deleted: a case, by policy

Each is found once, and stored in the transaction that stores the intents. Needs no network with `sink` None: then it
judges by what the snapshot saw, for a dry run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from arsync_pipelines.domain import drift
from arsync_pipelines.domain.comparison import changes
from arsync_pipelines.domain.drift import FOREIGN, SENT, Action, DriftFinding, FieldDrift, Verdict, Written
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.drift import DriftStore
from arsync_pipelines.ports.sink import Looks, Sighting, Sink
from arsync_pipelines.ports.warehouse import Snapshot, Warehouse
from arsync_pipelines.services.plan import Difference, Plan

ACCOUNT = "account"

Deleted = Literal["recreate", "case", "ignore"]


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """`deleted`: what is done about a deleted record, by canonical object. `restores`: how often in `window` a record
    is put right before a person is asked."""

    deleted: Mapping[str, Deleted] = field(
        default_factory=lambda: {ACCOUNT: "case", "account_balance": "recreate", "invoice": "recreate"}
    )
    restores: int = 3
    window: timedelta = timedelta(hours=24)


DEFAULT_POLICY = DriftPolicy()


@dataclass(frozen=True, slots=True)
class GoneAccount:
    """An account in the recycle bin, as the snapshot saw it: merged into another, or "" where it was deleted."""

    account_id: str
    merged_into: str
    gone_at: datetime


def gone_table(system: str) -> str:
    """Name of the table of accounts that a CRM no longer has."""
    return f"int_{system}__account_gone"


def gone_accounts(warehouse: Warehouse, snapshot: Snapshot, system: str, connection: str) -> list[GoneAccount]:
    """What the snapshot knows of accounts that are gone; [] for a snapshot of an earlier version."""
    table = gone_table(system)
    exists = "select table_name from information_schema.tables where table_name = ?"
    if not warehouse.query_snapshot(snapshot, exists, [table]):
        return []
    rows = warehouse.query_snapshot(
        snapshot,
        f"select account_id, merged_into_account_id, gone_at from {table} where connection = ? order by account_id",
        [connection],
    )
    return [
        GoneAccount(row["account_id"], row["merged_into_account_id"] or "", _utc(row["gone_at"])) for row in rows
    ]  # fmt: skip


def examine(
    plan: Plan, gone: Sequence[GoneAccount], store: DriftStore, policy: DriftPolicy, connection: str, now: datetime,
    sink: Sink | None = None,
) -> None:  # fmt: skip
    """Judge a plan's differences: give them their reasons, hold back what a person must decide, put down findings.

    Raises SinkError when the target cannot be looked at; nothing is stored then.
    """
    look = sink if isinstance(sink, Looks) else None
    masters = {account.account_id: account.merged_into for account in gone}
    moved = {account_id: drift.followed(masters, account_id) for account_id in masters}
    by_object: dict[str, list[Difference]] = {}
    for difference in plan.differences:
        by_object.setdefault(difference.object, []).append(difference)
    kept: list[Difference] = []
    for name, differences in by_object.items():
        examined = _Object(plan, name, store, policy, connection, now, moved, look)
        kept += examined.judge(differences)
    plan.differences[:] = kept
    if ACCOUNT in plan.seen:
        plan.drift += _of_accounts(plan, gone, moved, store, policy, connection, now, look)


def linked(findings: Sequence[DriftFinding], intents: Sequence[PushIntent]) -> list[DriftFinding]:
    """The findings with the intents that put them right, by record."""
    by_record = {(intent.object, intent.business_key): intent for intent in intents}

    def one(finding: DriftFinding) -> DriftFinding:
        intent = by_record.get((finding.object, finding.business_key))
        if intent is None or finding.action not in ("restored", "recreated"):
            return finding
        return replace(finding, intent_id=intent.intent_id, correlation_id=intent.correlation_id)

    return [one(finding) for finding in findings]


@dataclass(slots=True)
class _Object:
    """The differences of one canonical object. `moved`: gone account -> where it went, "" for deleted."""

    plan: Plan
    name: str
    store: DriftStore
    policy: DriftPolicy
    connection: str
    now: datetime
    moved: Mapping[str, str]
    look: Looks | None

    def judge(self, differences: Sequence[Difference]) -> list[Difference]:
        """Those that are sent."""
        known = [d.business_key for d in differences if d.was_planned]
        written = self.store.written(self.connection, self.name, known) if known else {}
        suspects = [d.business_key for d in differences if d.business_key in written and self._suspect(d, written)]
        sightings = self.look.look(self.name, suspects) if self.look and suspects else {}
        since = self.now - self.policy.window
        repairs = self.store.repairs(self.connection, self.name, suspects, since) if suspects else {}
        chosen = set(suspects)
        kept = []
        for difference in differences:
            key = difference.business_key
            sent: Difference | None = difference
            if key in chosen:
                sent = self._judged(difference, written[key], sightings.get(key), repairs.get(key, 0))
            if sent is not None:
                kept.append(sent)
        return kept

    def _suspect(self, d: Difference, written: Mapping[str, Written]) -> bool:
        if d.is_new:
            return True
        fields = drift.compare(self.name, written[d.business_key], d.payload, d.before, self.moved)
        return any(f.verdict in FOREIGN for f in fields.values())

    def _judged(self, d: Difference, written: Written, seen: Sighting | None, repairs: int) -> Difference | None:
        """What is sent of a difference, None for nothing."""
        if self.look is None:
            at = self.plan.seen.get(self.name)
            if at is None or at <= written.settled_at:
                return d  # the snapshot saw the target before our own last write arrived
            if d.is_new:
                return self._deleted(d, written, None, repairs)
        elif seen is None or seen.is_deleted:
            return self._deleted(d, written, seen, repairs)
        else:
            before = {name: seen.values.get(name) for name in d.payload}
            d = replace(d, is_new=False, before=before, fields=changes(before, d.payload))
        return self._edited(d, written, seen, repairs)

    def _edited(self, d: Difference, written: Written, seen: Sighting | None, repairs: int) -> Difference | None:
        fields = drift.compare(self.name, written, d.payload, d.before, self.moved)
        foreign = {name: _by_whom(name, f, seen) for name, f in fields.items() if f.verdict in FOREIGN}
        sent = {f.verdict for f in fields.values() if f.verdict in SENT}
        if not foreign:
            if not sent and not d.fields:
                self.plan.already_sent += 1  # our own write, which the snapshot had not seen yet
                return None
            return d
        if not sent & {Verdict.DRIFT, Verdict.OVERTAKEN}:
            self._note(d, "edited", "none", written, seen, foreign)
            return d if d.fields else None
        # what the ERP itself has changed meanwhile is sent, however often somebody writes over it
        if sent == {Verdict.DRIFT} and repairs >= self.policy.restores:
            self._note(d, "edited", "case", written, seen, foreign)
            self.plan.drift_held += 1
            return None
        self._note(d, "edited", "restored", written, seen, foreign)
        return replace(d, reason="drift")

    def _deleted(self, d: Difference, written: Written, seen: Sighting | None, repairs: int) -> Difference | None:
        if self.name == ACCOUNT:
            self.plan.drift_held += 1  # gone since the snapshot saw it: the next one tells whether it was merged
            return None
        policy = self.policy.deleted.get(self.name, "recreate")
        if policy == "recreate" and repairs < self.policy.restores:
            self._note(d, "deleted", "recreated", written, seen, {})
            return replace(d, is_new=True, before={}, fields=changes({}, d.payload), reason="recreate")
        self._note(d, "deleted", "none" if policy == "ignore" else "case", written, seen, {})
        self.plan.drift_held += 1
        return None

    def _note(
        self, d: Difference, kind: drift.Kind, action: Action, written: Written, seen: Sighting | None,
        fields: Mapping[str, FieldDrift],
    ) -> None:  # fmt: skip
        if seen and (edits := [field.edit for field in fields.values() if field.edit]):
            last = max(edits, key=lambda edit: edit.changed_at)
            seen = replace(
                seen, by_id=last.by_id, by=last.by, is_own_user=last.is_own_user, changed_at=last.changed_at
            )  # fmt: skip
        at = seen.changed_at if seen else None
        record = seen.record_id if seen else ""
        self.plan.drift.append(
            _finding(
                self.plan, self.connection, self.name, d.business_key, d.parent_key, kind, action, self.now, seen,
                fields, (record, at or written.settled_at),
            )
        )  # fmt: skip


def _of_accounts(
    plan: Plan, gone: Sequence[GoneAccount], moved: Mapping[str, str], store: DriftStore, policy: DriftPolicy,
    connection: str, now: datetime, look: Looks | None,
) -> list[DriftFinding]:  # fmt: skip
    """Accounts that carried figures of ours and are gone; those found before are left out."""
    written = store.written(connection, ACCOUNT, [account.account_id for account in gone]) if gone else {}
    made = []
    for account in gone:
        if account.account_id not in written:
            continue
        merged = bool(account.merged_into)
        action: Action = "followed" if merged else "case"
        if not merged and policy.deleted.get(ACCOUNT, "case") == "ignore":
            action = "none"
        finding = _finding(
            plan, connection, ACCOUNT, account.account_id, account.account_id, "merged" if merged else "deleted",
            action, now, None, {}, (account.merged_into, "" if merged else account.gone_at),
        )  # fmt: skip
        survivor = moved[account.account_id] or account.merged_into
        made.append(
            replace(finding, changed_at=account.gone_at, merged_into=survivor, record_id=account.account_id)
        )  # fmt: skip
    known = store.known([finding.finding_id for finding in made])
    new = [finding for finding in made if finding.finding_id not in known]
    sightings = look.look(ACCOUNT, [finding.business_key for finding in new]) if look and new else {}
    return [_named(finding, sightings.get(finding.business_key)) for finding in new]


def _named(finding: DriftFinding, seen: Sighting | None) -> DriftFinding:
    if seen is None:
        return finding
    return replace(
        finding, by_id=seen.by_id, by=seen.by, is_own_user=seen.is_own_user,
        changed_at=seen.changed_at or finding.changed_at,
    )  # fmt: skip


def _finding(
    plan: Plan, connection: str, name: str, key: str, parent: str, kind: drift.Kind, action: Action, now: datetime,
    seen: Sighting | None, fields: Mapping[str, FieldDrift], identity: Sequence[object],
) -> DriftFinding:  # fmt: skip
    made = drift.finding_id(connection, name, key, kind, action, *identity)
    return DriftFinding(
        finding_id=made,
        connection=connection,
        object=name,
        business_key=key,
        parent_key=parent,
        kind=kind,
        action=action,
        found_at=now,
        snapshot_id=plan.snapshot_id,
        record_id=seen.record_id if seen else "",
        by_id=seen.by_id if seen else "",
        by=seen.by if seen else "",
        is_own_user=seen.is_own_user if seen else False,
        changed_at=seen.changed_at if seen else None,
        fields=fields,
        correlation_id=made,
    )


def _by_whom(name: str, found: FieldDrift, seen: Sighting | None) -> FieldDrift:
    """A field that somebody else wrote, with who that was as far as the target tells."""
    return replace(found, edit=seen.edits.get(name), edit_unknown=seen.edits_unknown) if seen else found


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
