"""The use cases of exception cases: look at everything again, and let the change of a case be sent again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from arsync_pipelines.domain.cases import CaseState, Problem
from arsync_pipelines.domain.errors import WarehouseError
from arsync_pipelines.domain.taxonomy import Taxonomy
from arsync_pipelines.ops.cases.find import CaseFilter
from arsync_pipelines.ops.cases.held import HeldIntent
from arsync_pipelines.ops.cases.seen import Changes
from arsync_pipelines.ops.cases.store import CaseStore
from arsync_pipelines.ops.drift import DriftStore
from arsync_pipelines.ops.held import HeldFilter
from arsync_pipelines.ports.source import StreamSpec
from arsync_pipelines.ports.warehouse import Snapshot, Warehouse
from arsync_pipelines.services.cases import arrived, drifted, findings, pushed
from arsync_pipelines.services.replay import ReplayService

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplayedCases:
    """`replayed`: ids of cases whose change waits to be sent again; `left`: those with nothing to send."""

    replayed: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseService:
    """Cases of one platform. `systems`: connection -> vendor; `streams` and `observed_in` ask a connection for its
    streams, and for the stream that shows what it holds of an object ("" when none does)."""

    store: CaseStore
    warehouse: Warehouse
    taxonomy: Taxonomy
    systems: Mapping[str, str]
    streams: Callable[[str], Sequence[StreamSpec]]
    observed_in: Callable[[str, str], str]
    replays: ReplayService
    drift: DriftStore

    def refresh(self, now: datetime, patience_s: float = 30.0) -> Changes:
        """Look at everything again: open, reopen and close what the data says.

        What arrived can only be looked at while nobody writes to the warehouse: after `patience_s` it is left as it is.
        """
        changes = self._pushes(now)
        changes = changes.add(self._findings(now))
        changes = changes.add(self._drift(now))
        try:
            return changes.add(self.refresh_arrived(now, patience_s))
        except WarehouseError as error:
            log.warning("cases of rows that arrived are left as they are: %s", error)
            return changes

    def refresh_arrived(self, now: datetime, patience_s: float = 30.0) -> Changes:
        """The same for what arrived alone. Raises WarehouseError when somebody else writes for that long."""
        with self.warehouse.writing(patience_s):
            aside = arrived.set_aside(self.warehouse, self.taxonomy, self.streams, self.systems)
            failing = arrived.expectations(self.warehouse, self.taxonomy)
        changes = self.store.observe("ingest", aside, now, gone="the row was read without fault, or a newer one was")
        return changes.add(self.store.observe("landing", failing, now, gone="the expectation is met"))

    def _pushes(self, now: datetime) -> Changes:
        snapshot = self.warehouse.current_snapshot()
        tables = self._tables(snapshot)
        changes = Changes()
        for connection, system in sorted(self.systems.items()):
            keys: dict[str, list[str]] = {}
            for held in self.replays.look(HeldFilter(connection=connection)):
                keys.setdefault(held.object, []).append(held.business_key)
            known = {
                name: pushed.wanted(
                    self.warehouse, snapshot, tables, system, connection, name, of, self.observed_in(connection, name)
                )
                for name, of in keys.items()
                if snapshot is not None
            }
            describe = self._describer(system, known)
            changes = changes.add(self.store.observe_held(connection, describe, now))
        return changes

    def _describer(
        self, system: str, known: Mapping[str, pushed.Wanted]
    ) -> Callable[[HeldIntent], Problem | None]:  # fmt: skip
        def describe(intent: HeldIntent) -> Problem | None:
            wanted = known.get(intent.object, pushed.NOTHING_KNOWN)
            if wanted.has_gone(intent):
                return None
            return pushed.problem(self.taxonomy, system, intent, wanted.rows.get(intent.business_key, {}))

        return describe

    def _findings(self, now: datetime) -> Changes:
        snapshot = self.warehouse.current_snapshot()
        if snapshot is None or findings.TABLES - self._tables(snapshot):
            return Changes()
        found = findings.problems(self.warehouse, snapshot, self.taxonomy, self.systems)
        gone = f"not found by snapshot {snapshot.snapshot_id}"
        return self.store.observe("reconciliation", found, now, gone=gone)

    def _drift(self, now: datetime) -> Changes:
        snapshot = self.warehouse.current_snapshot()
        changes = Changes()
        if snapshot is None:
            return changes
        tables = self._tables(snapshot)
        for connection, system in sorted(self.systems.items()):
            standing = self.drift.standing(connection)
            found = drifted.problems(
                self.warehouse, snapshot, tables, self.taxonomy, system, connection, standing
            )  # fmt: skip
            gone = f"by snapshot {snapshot.snapshot_id} it is right again, or was sent again since"
            changes = changes.add(self.store.observe("drift", found, now, connection, gone=gone))
        return changes

    def _tables(self, snapshot: Snapshot | None) -> frozenset[str]:
        if snapshot is None:
            return frozenset()
        rows = self.warehouse.query_snapshot(snapshot, "select table_name from information_schema.tables")
        return frozenset(row["table_name"] for row in rows)

    def replayable(self, wanted: CaseFilter) -> tuple[list[str], list[str]]:
        """Ids of open cases whose change a replay would send again, and of those with nothing to send."""
        found = self.store.find(wanted)
        yes = [case.case_id for case in found if case.origin == "push" and case.state is CaseState.OPEN]
        return yes, [case.case_id for case in found if case.case_id not in set(yes)]

    def replay(self, wanted: CaseFilter, actor: str, reason: str, now: datetime) -> ReplayedCases:
        """Let the changes of cases be sent again by the next push, once their cause is put right.

        Safe twice, as services.replay is. Raises ValueError without a reason, SinkError when a push does not end.
        """
        if not reason.strip():
            raise ValueError("a replay needs a reason")
        found = self.store.find(wanted)
        by_intent = {
            case.intent_id: case.case_id
            for case in found
            if case.origin == "push" and case.state is CaseState.OPEN and case.intent_id
        }
        done = self.replays.replay(HeldFilter(tuple(by_intent)), actor, reason, now) if by_intent else None
        moved = [by_intent[intent_id] for intent_id in done.moved] if done else []
        self.store.resent(moved, reason, actor, now)
        chosen = set(moved)
        return ReplayedCases(tuple(moved), tuple(case.case_id for case in found if case.case_id not in chosen))
