"""Repository of exception cases: looked for, observed, and moved by people along domain.cases only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from arsync_pipelines.domain.cases import UNRESOLVED, CaseEvent, CaseState, Origin, Problem, moved
from arsync_pipelines.domain.redaction import redact_text
from arsync_pipelines.ops.bulk import parts
from arsync_pipelines.ops.cases import find, held
from arsync_pipelines.ops.cases.find import STANDING_CASES, CaseFilter, CaseGroup
from arsync_pipelines.ops.cases.held import Describe
from arsync_pipelines.ops.cases.rows import Case, Note, note_of, tell, to_case
from arsync_pipelines.ops.cases.seen import Changes, Seen, observe
from arsync_pipelines.ops.rows import MESSAGE_LENGTH
from arsync_pipelines.ops.tables import exception_case
from arsync_pipelines.ops.unit import Transactions, Unit


class CaseStore:
    """Cases of one store; each method is a transaction of its own, and what changes is told to the audit in it."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def observe(
        self, origin: Origin, problems: Sequence[Problem], now: datetime, connection: str = "", gone: str = ""
    ) -> Changes:
        """`problems` are all that is wrong of this origin (and connection); what else stood there is resolved, because
        of `gone`."""

        def look(_unit: Unit, standing: Sequence[Case]) -> Seen:
            return Seen(problems, why={case.case_id: gone for case in standing})

        return observe(self._transactions, origin, connection, look, now)

    def observe_held(self, connection: str, describe: Describe, now: datetime) -> Changes:
        """Look at the intents of a connection that are held: `describe` says what is wrong with each, None when its
        difference has gone, which supersedes it."""
        look = held.look(connection, describe, now)
        return observe(self._transactions, "push", connection, look, now)

    def find(self, wanted: CaseFilter = STANDING_CASES, limit: int | None = None) -> list[Case]:
        """Cases, the one that is due first before the others."""
        with self._transactions.read() as db:
            return find.find(db, wanted, limit)

    def count(self, wanted: CaseFilter = STANDING_CASES) -> int:
        """How many `find` would see without its limit."""
        with self._transactions.read() as db:
            return find.count(db, wanted)

    def groups(self, wanted: CaseFilter, now: datetime) -> list[CaseGroup]:
        """Cases by fingerprint, those with a breached SLA first."""
        return find.groups(self.find(wanted), now)

    def starting_with(self, prefix: str) -> list[str]:
        """Up to two ids that begin so."""
        with self._transactions.read() as db:
            return find.starting_with(db, prefix)

    def notes(self, case_id: str) -> list[Note]:
        """What happened to a case, in order."""
        with self._transactions.read() as db:
            return find.notes(db, case_id)

    def assign(self, case_ids: Sequence[str], assignee: str, actor: str, now: datetime) -> list[str]:
        """Give unresolved cases to a person, "" takes them back. Ids of those that changed hands."""
        assignee = redact_text(assignee)[:100]
        text = f"assigned to {assignee}" if assignee else "assigned to nobody"

        def change(case: Case) -> dict[str, Any] | None:
            unchanged = case.state not in UNRESOLVED or case.assignee == assignee
            return None if unchanged else {"assignee": assignee}

        return self._change(case_ids, "assigned", change, actor, text, now)

    def comment(self, case_ids: Sequence[str], text: str, actor: str, now: datetime) -> list[str]:
        """Say something about cases, whatever their state. Raises ValueError for nothing said."""
        if not text.strip():
            raise ValueError("a comment needs a text")
        return self._change(case_ids, "comment", lambda _case: {}, actor, text, now)

    def waive(
        self, case_ids: Sequence[str], reason: str, until: datetime | None, actor: str, now: datetime
    ) -> list[str]:
        """Let open cases be as they are, until an instant or (None) for good. Ids of those that were open.

        Raises ValueError without a reason, and for an instant that has passed.
        """
        if not reason.strip():
            raise ValueError("a waiver needs a reason")
        if until is not None and until <= now:
            raise ValueError("a waiver ends in the future")
        kept = redact_text(reason)[:MESSAGE_LENGTH]
        text = reason + (f" (until {until:%Y-%m-%d %H:%M} UTC)" if until else "")
        return self._move(case_ids, CaseEvent.WAIVED, actor, text, now, waived_until=until, waived_because=kept)

    def end_waiver(self, case_ids: Sequence[str], reason: str, actor: str, now: datetime) -> list[str]:
        """Take waivers back. Ids of those that were waived; their SLA runs from the day they were opened."""
        return self._move(
            case_ids, CaseEvent.WAIVER_ENDED, actor, reason, now, waived_until=None, waived_because=""
        )  # fmt: skip

    def resent(self, case_ids: Sequence[str], reason: str, actor: str, now: datetime) -> list[str]:
        """Their changes wait to be sent again. Ids of those that were open."""
        return self._move(case_ids, CaseEvent.RESENT, actor, reason, now)

    def _move(
        self, case_ids: Sequence[str], event: CaseEvent, actor: str, text: str, now: datetime, **values: Any
    ) -> list[str]:
        def change(case: Case) -> dict[str, Any] | None:
            try:
                state = moved(case.state, event)
            except ValueError:
                return None  # somebody else was quicker
            return {"state": state.value, "moved_at": now, **values}

        return self._change(case_ids, event, change, actor, text, now)

    def _change(
        self,
        case_ids: Sequence[str],
        event: CaseEvent | str,
        change: Callable[[Case], dict[str, Any] | None],
        actor: str,
        text: str,
        now: datetime,
    ) -> list[str]:
        """Apply `change` to each case (None: leave it alone); one transaction."""
        done: list[str] = []
        with self._transactions.write() as unit:
            for part in parts(sorted(set(case_ids))):
                query = (
                    select(exception_case)
                    .where(exception_case.c.case_id.in_(part))
                    .order_by(exception_case.c.case_id)
                    .with_for_update()
                )
                notes = []
                same: dict[tuple[Any, ...], list[str]] = {}
                for case in map(to_case, unit.db.execute(query)):
                    values = change(case)
                    if values is None:
                        continue
                    done.append(case.case_id)
                    state = CaseState(values.get("state", case.state))
                    notes.append(note_of(case, event, state, now, actor, text))
                    if values:
                        same.setdefault(tuple(values.items()), []).append(case.case_id)
                for items, ids in same.items():
                    unit.db.execute(update(exception_case).where(exception_case.c.case_id.in_(ids)).values(dict(items)))
                tell(unit, notes)
        return done
