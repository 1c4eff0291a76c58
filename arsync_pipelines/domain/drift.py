"""Drift: what a target holds, beside what we last wrote there and what we now want, field by field.

    known      values of ours that the field may hold: that acknowledged last, then later ones that may have arrived
    desired    what the published state says that it should show
    observed   what the target holds

    observed is       and desired is     verdict     done
    desired           -                  in_step     nothing
    a known one       other              change      sent: an ordinary change; what came back was our own echo
    nothing known     other              change      sent: we never wrote it, so nobody wrote over us
    foreign           observed           adopted     nothing: somebody wrote what we now want; reported
    foreign           acknowledged       drift       put back, reported
    foreign           neither            overtaken   the new value is sent, reported

A field that neither the ERP nor collections own is `not_ours` whatever it holds. An account that was merged or deleted
took what pointed to it along: a reference that follows is our own echo, too. Pure.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from arsync_pipelines.domain.comparison import VOLATILE, same
from arsync_pipelines.domain.ownership import RECEIVABLES, owner_of

_NAMESPACE = uuid.UUID("2d5f3d57-6b0c-5b53-9a7e-5a0a6f3b9d21")
_DEEPEST = 50  # merges in a row; more is a circle

PARENT = "account_id"
"""The field of a record that says which account it hangs on."""


class Verdict(StrEnum):
    IN_STEP = "in_step"
    CHANGE = "change"
    ADOPTED = "adopted"
    DRIFT = "drift"
    OVERTAKEN = "overtaken"
    NOT_OURS = "not_ours"


FOREIGN = frozenset({Verdict.ADOPTED, Verdict.DRIFT, Verdict.OVERTAKEN})
"""Somebody else wrote what is ours to write."""

SENT = frozenset({Verdict.CHANGE, Verdict.DRIFT, Verdict.OVERTAKEN})
"""The field differs from what it should be."""

Kind = Literal["edited", "deleted", "merged"]
"""What happened to a record in the target."""

Action = Literal["restored", "recreated", "followed", "case", "none"]
"""restored   our values are sent again, by the finding's intent
recreated  the record is made again, by the finding's intent
followed   the account it was merged into carries on; nothing is lost
case       nothing is sent until a person has acted
none       nothing to do: what was written is what we want, or it is nobody's concern by policy
"""


@dataclass(frozen=True, slots=True)
class FieldEdit:
    """Who changed a field last, and when: `by` his name, `by_id` the target's id of him, `is_own_user` whether he is
    the one arsync works as."""

    by_id: str
    by: str
    is_own_user: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class FieldDrift:
    """One field three ways. `acknowledged` is None, too, where nothing of ours was acknowledged. `edit`: who wrote what
    was observed, None where the target does not tell; `edit_unknown`: what it answered when it was asked and failed."""

    verdict: Verdict
    acknowledged: Any
    desired: Any
    observed: Any
    edit: FieldEdit | None = None
    edit_unknown: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What we have written to a record: `payloads` with that acknowledged last in front, then later ones that were
    sent and may have arrived; `settled_at`: when the first was acknowledged."""

    payloads: Sequence[Mapping[str, Any]]
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """Something that somebody else did to a record of ours, as it was found.

    `by` and `by_id`: the user of the newest of the fields' edits; where none is known, who changed the record last
    before it was found, "" where the target does not tell that either. `is_own_user`: that is the one arsync works as.
    `changed_at`: when. `merged_into`: the target's id of the survivor.
    `fields`: those that somebody else wrote. `intent_id`: what puts it right, "" when nothing is sent.
    """

    finding_id: str
    connection: str
    object: str
    business_key: str
    parent_key: str
    kind: Kind
    action: Action
    found_at: datetime
    snapshot_id: str
    record_id: str = ""
    by_id: str = ""
    by: str = ""
    is_own_user: bool = False
    changed_at: datetime | None = None
    merged_into: str = ""
    fields: Mapping[str, FieldDrift] | None = None
    intent_id: str = ""
    correlation_id: str = ""


def finding_id(*parts: object) -> str:
    """The same for the same thing found twice."""
    return str(uuid.uuid5(_NAMESPACE, "|".join("" if part is None else str(part) for part in parts)))


def judge(object_name: str, field: str, known: Sequence[Any], desired: Any, observed: Any) -> Verdict:
    """One field. `known` as above, () where we never wrote it."""
    if owner_of(object_name, field) not in RECEIVABLES:
        return Verdict.NOT_OURS
    ours = not known or any(same(observed, value) for value in known)
    if same(observed, desired):
        return Verdict.IN_STEP if ours else Verdict.ADOPTED
    if ours:
        return Verdict.CHANGE
    return Verdict.DRIFT if same(desired, known[0]) else Verdict.OVERTAKEN


def compare(
    object_name: str,
    written: Written | None,
    desired: Mapping[str, Any],
    observed: Mapping[str, Any],
    moved: Mapping[str, str] | None = None,
) -> dict[str, FieldDrift]:
    """Every field of `desired` that means something by itself. `moved`: where accounts went, see `followed`."""
    payloads = written.payloads if written else ()
    found = {}
    for name, wanted in desired.items():
        if name in VOLATILE:
            continue
        known = [payload[name] for payload in payloads if name in payload]
        last = known[0] if known else None
        if name == PARENT and moved:
            known += [moved[str(value)] or None for value in known if str(value) in moved]
        seen = observed.get(name)
        found[name] = FieldDrift(judge(object_name, name, known, wanted, seen), last, wanted, seen)
    return found


def followed(masters: Mapping[str, str], account_id: str) -> str:
    """Where an account went: the last in its chain of merges, "" for one that was deleted.

    `masters`: gone account -> the account it was merged into, "" where it was deleted. Those not in it live.
    """
    place = account_id
    for _ in range(_DEEPEST):
        if place not in masters:
            return place
        place = masters[place]
        if not place:
            return ""
    return ""
