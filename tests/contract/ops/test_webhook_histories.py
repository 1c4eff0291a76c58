"""Webhooks under fire: in whatever order, lost, forged or killed, a 2xx is a promise kept once, and no more is kept."""

from __future__ import annotations

from collections.abc import Callable

from tests.conftest import told
from tests.contract.ops.histories import run
from tests.contract.ops.values import Place

HISTORIES, STEPS = 25, 30


def test_no_history_breaks_a_promise(place: Place, record_property: Callable[[str, object], None]) -> None:
    found = run(place, HISTORIES, STEPS)
    record_property(told("Webhooks"), f"{'Postgres' if place.url else 'SQLite'}: {found.line}")
    assert found.histories >= HISTORIES and found.kills and found.refused and found.runs
