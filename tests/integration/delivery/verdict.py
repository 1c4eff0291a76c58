"""The accounts at the end of a simulation: what was planned, what the store says became of it, what the vendor saw.

lost          acknowledged, but the vendor never took it
left wrong    what the vendor holds is not the newest version that was acknowledged
duplicated    took effect more than once
stale         took effect after a newer version of its record
unaccounted   in no final state, or took effect without being acknowledged
early         requests within a silence that the vendor asked for, or beyond its window
zombies       writes by a worker whose lease did not cover them
broken chains the audit does not hold
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import select

from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ops.tables import push_intent
from tests.integration.delivery.vendor import Vendor

WRONGS = ("lost", "left_wrong", "duplicated", "stale", "unaccounted", "early", "zombies", "broken_chains")
Version = tuple[str, str, int]


class Played(Protocol):
    """What a simulation leaves."""

    ops: OpsStore
    vendor: Vendor
    planned: int


@dataclass
class Verdict:
    """`wrong` by kind, and each of them in words."""

    wrong: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def found(self, kind: str, times: int, words: str) -> None:
        """Note what is wrong, if it is."""
        if times:
            self.wrong[kind] += times
            self.told.append(f"{kind}: {words}")


def judged(played: Played, states: Counter[str]) -> Verdict:
    """Everything that is wrong; `states` are the intents by their state."""
    verdict, vendor = Verdict(), played.vendor
    final = sum(states[name] for name in ("acknowledged", "superseded", "rejected", "dead"))
    verdict.found("unaccounted", abs(played.planned - final), f"{played.planned} intents, but {dict(states)}")
    writes = Counter((o, key, version) for _, o, key, version in vendor.journal)
    _take_effect_once(verdict, writes, vendor.journal)
    acknowledged = _acknowledged(played.ops)
    missing, unknown = sorted(set(acknowledged) - set(writes)), sorted(set(writes) - set(acknowledged))
    verdict.found("lost", len(missing), f"acknowledged, but not written: {missing}")
    verdict.found("unaccounted", len(unknown), f"written, but not acknowledged: {unknown}")
    newest = {(o, key): payload for (o, key, _), payload in sorted(acknowledged.items())}
    other = [f"{of}: {vendor.records.get(of)}" for of, payload in newest.items() if vendor.records.get(of) != payload]
    verdict.found("left_wrong", len(other), f"not what was acknowledged last: {other}")
    verdict.found("early", vendor.early, f"{vendor.early} requests too early")
    verdict.found("zombies", vendor.zombies, f"{vendor.zombies} zombie writes")
    verdict.found("broken_chains", int(not played.ops.verify().holds), "the audit chain does not hold")
    return verdict


def _take_effect_once(
    verdict: Verdict, writes: Counter[Version], journal: Sequence[tuple[float, str, str, int]]
) -> None:
    for what, times in writes.items():
        verdict.found("duplicated", times - 1, f"{what} took effect {times} times")
    last: dict[tuple[str, str], int] = {}
    for _, object_name, key, version in journal:
        newer = last.get((object_name, key), 0)
        verdict.found("stale", int(version < newer), f"{object_name} {key}: version {version} after {newer}")
        last[object_name, key] = version


def _acknowledged(ops: OpsStore) -> dict[Version, dict[str, Any]]:
    """(object, key, version) -> payload."""
    columns = push_intent.c
    with ops.engine.connect().execution_options(arsync_reading=True) as db:
        query = select(columns.object, columns.business_key, columns.version, columns.payload)
        rows = db.execute(query.where(columns.state == "acknowledged")).all()
    return {(row.object, row.business_key, row.version): json.loads(row.payload) for row in rows}
