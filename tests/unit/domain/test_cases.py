"""The state machine of a case, by its table and by random lives on a real store."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from arsync_pipelines.domain.cases import MOVES, UNRESOLVED, CaseEvent, CaseState, Problem, moved
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Failure
from arsync_pipelines.ops.cases.find import CaseFilter
from arsync_pipelines.ops.cases.rows import Case
from arsync_pipelines.ops.store import open_store

START = datetime(2026, 1, 1, tzinfo=UTC)
BAD = Failure("BAD", FailureClass.BUSINESS, "bad", "tax", 2, "make it good")
RECORDS = ("a", "b", "c")


def test_every_state_is_reached_and_left_and_every_event_means_something() -> None:
    assert {state for state, _ in MOVES} == {None, *CaseState}
    assert set(MOVES.values()) == set(CaseState)
    assert {event for _, event in MOVES} == set(CaseEvent)


def test_what_is_not_resolved_can_be_resolved_and_nothing_else_ends_a_case() -> None:
    for state in UNRESOLVED:
        assert moved(state, CaseEvent.RESOLVED) is CaseState.RESOLVED
    assert [event for _, event in MOVES if MOVES[_, event] is CaseState.RESOLVED] == [CaseEvent.RESOLVED] * 3


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (state, event)
        for state in (None, *CaseState)
        for event in CaseEvent
        if (state, event) not in MOVES
    ],
)  # fmt: skip
def test_a_move_that_there_is_not_is_refused(state: CaseState | None, event: CaseEvent) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        moved(state, event)


def test_the_same_problem_is_the_same_case_and_groups_ignore_the_record() -> None:
    one, other = problem("a", 1), problem("b", 1)
    assert one.case_id == problem("a", 2).case_id != other.case_id
    assert one.fingerprint == other.fingerprint


def problem(record: str, evidence: int) -> Problem:
    return Problem("ingest", BAD, "BAD", "files", "erp", "invoice", record, record, str(evidence), "no", START)


@cache
def empty_store() -> Path:
    """A store of the newest schema, to be copied: migrating takes long."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    open_store(folder / "ops.sqlite").close()  # the last to close it brings the log back into the file
    return folder / "ops.sqlite"


class Lives(RuleBasedStateMachine):
    """Problems come and go while people waive and take back; a model says what every case must be."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        shutil.copyfile(empty_store(), Path(self.folder.name) / "ops.sqlite")
        self.ops = open_store(Path(self.folder.name) / "ops.sqlite")
        self.now = START
        self.model: dict[str, CaseState] = {}
        self.evidence: dict[str, int] = {}
        self.until: dict[str, datetime | None] = {}
        self.happened = 0

    def cases(self) -> Mapping[str, Case]:
        return {case.business_key: case for case in self.ops.cases.find(CaseFilter(states=()))}

    def ids(self, chosen: set[str]) -> list[str]:
        return [problem(record, 0).case_id for record in chosen]

    @rule(hours=st.integers(0, 5))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(wrong=st.sets(st.sampled_from(RECORDS)), fresh=st.booleans())
    def look(self, wrong: set[str], fresh: bool) -> None:
        self.happened += fresh
        for record in wrong:
            state = self.model.get(record)
            again = self.evidence.get(record) != self.happened
            self.evidence[record] = self.happened
            until = self.until.get(record)
            over = state is CaseState.WAIVED and until is not None and until <= self.now
            if state in (None, CaseState.RESOLVED) or (state is CaseState.REPLAYING and again) or over:
                self.model[record] = CaseState.OPEN
        for record in self.model.keys() - wrong:
            self.model[record] = CaseState.RESOLVED
        self.ops.cases.observe("ingest", [problem(record, self.happened) for record in sorted(wrong)], self.now)

    @rule(chosen=st.sets(st.sampled_from(RECORDS)), hours=st.none() | st.integers(1, 5))
    def waive(self, chosen: set[str], hours: int | None) -> None:
        until = None if hours is None else self.now + timedelta(hours=hours)
        done = self.ops.cases.waive(self.ids(chosen), "why", until, "ada", self.now)
        open_ones = {record for record in chosen if self.model.get(record) is CaseState.OPEN}
        assert sorted(done) == sorted(self.ids(open_ones))
        for record in open_ones:
            self.model[record], self.until[record] = CaseState.WAIVED, until

    @rule(chosen=st.sets(st.sampled_from(RECORDS)))
    def take_back(self, chosen: set[str]) -> None:
        self.ops.cases.end_waiver(self.ids(chosen), "why", "ada", self.now)
        for record in chosen:
            if self.model.get(record) is CaseState.WAIVED:
                self.model[record] = CaseState.OPEN

    @rule(chosen=st.sets(st.sampled_from(RECORDS)))
    def replay(self, chosen: set[str]) -> None:
        self.ops.cases.resent(self.ids(chosen), "why", "ada", self.now)
        for record in chosen:
            if self.model.get(record) is CaseState.OPEN:
                self.model[record] = CaseState.REPLAYING

    @rule(chosen=st.sets(st.sampled_from(RECORDS)), to=st.sampled_from(["", "ada", "bob"]))
    def assign(self, chosen: set[str], to: str) -> None:
        self.ops.cases.assign(self.ids(chosen), to, "ada", self.now)

    @invariant()
    def every_case_is_as_the_model_says_and_its_notes_lead_there(self) -> None:
        if not hasattr(self, "ops"):
            return
        cases = self.cases()
        assert {record: case.state for record, case in cases.items()} == self.model
        for case in cases.values():
            state: CaseState | None = None
            for note in self.ops.cases.notes(case.case_id):
                if note.event not in ("assigned", "comment"):
                    state = moved(state, CaseEvent(note.event))
                assert note.state == state
            assert state is case.state
            assert (case.waived_because != "") == (case.state is CaseState.WAIVED)

    def teardown(self) -> None:
        if hasattr(self, "ops"):
            assert self.ops.verify().holds
            self.ops.close()
            self.folder.cleanup()


TestLives = Lives.TestCase
# shrinking would open a store for each of its hundreds of tries
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
TestLives.settings = settings(max_examples=60, stateful_step_count=20, deadline=None, phases=_PHASES)
