"""The state machine of an intent, and keys that name one version of one record."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from arsync_pipelines.domain.failpoint import FailpointRaised, arm, failpoint
from arsync_pipelines.domain.push import ALLOWED, IntentState, PushIntent

INTENT = PushIntent(
    "i1", "crm", "invoice", "erp:1", 1, {"a": "1"}, {}, "001", "c1", "s1", datetime(2026, 1, 1, tzinfo=UTC)
)


def test_every_state_has_its_moves_and_acknowledged_is_final() -> None:
    assert set(ALLOWED) == set(IntentState)
    assert ALLOWED[IntentState.ACKNOWLEDGED] == frozenset()
    assert ALLOWED[IntentState.SUPERSEDED] == frozenset()


def test_nothing_is_sent_again_from_unknown_without_passing_pending() -> None:
    assert IntentState.IN_FLIGHT not in ALLOWED[IntentState.UNKNOWN]


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"payload": {"a": "2"}}, {"business_key": "erp:2"}, {"connection": "crm2"}]
)
def test_the_idempotency_key_changes_with_what_it_names(change: dict[str, object]) -> None:
    assert dataclasses.replace(INTENT, **change).idempotency_key != INTENT.idempotency_key  # type: ignore[arg-type]


def test_the_idempotency_key_is_the_same_for_every_attempt() -> None:
    again = dataclasses.replace(INTENT, intent_id="other", correlation_id="c2", snapshot_id="s2")
    assert again.idempotency_key == INTENT.idempotency_key


def test_a_failpoint_fires_at_its_hit_only() -> None:
    arm("here:2:raise")
    try:
        failpoint("here")
        failpoint("elsewhere")
        with pytest.raises(FailpointRaised):
            failpoint("here")
        failpoint("here")
    finally:
        arm("")
