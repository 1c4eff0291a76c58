"""Slips of the delivery engine, each made for the time of a simulation: the accounts must show every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import true

from arsync_pipelines.domain.limits import GO
from arsync_pipelines.ops import leases, limits, settling
from arsync_pipelines.services import deliver, worker
from tests.integration.delivery.simulation import History, simulate
from tests.integration.delivery.stores import Stores


@contextmanager
def _no_lease_check_before_a_request() -> Iterator[None]:
    """A worker that was paused goes on where it stood."""
    with patch.object(worker.Worker, "enter", lambda _self: None):
        yield


@contextmanager
def _taken_over_too_early() -> Iterator[None]:
    """What others claimed counts as lost while their leases live."""
    with patch.object(leases.LeaseStore, "expired", lambda _self, _unit: true()):
        yield


@contextmanager
def _no_fence() -> Iterator[None]:
    """The store takes whatever a worker says, whoever holds the lease; and workers ask nothing before a request."""
    settle = settling.settle

    def unfenced(unit: Any, settlements: Any, _lease: Any = None) -> None:
        settle(unit, settlements, None)

    with (
        patch.object(worker.Worker, "enter", lambda _self: None),
        patch.object(leases.LeaseStore, "require", lambda *_: None),
        patch.object(settling, "settle", unfenced),
    ):
        yield


@contextmanager
def _no_read_back() -> Iterator[None]:
    """What nobody knows of is taken as not written."""
    with patch.object(deliver, "holds", lambda _observed, _payload: False):
        yield


@contextmanager
def _unknown_is_taken_as_written() -> Iterator[None]:
    with patch.object(deliver, "holds", lambda _observed, _payload: True):
        yield


@contextmanager
def _no_limits() -> Iterator[None]:
    """Requests leave without a permit."""

    def ask(self: Any, *_: Any) -> Any:
        return GO, self._clock.now(None)

    with patch.object(limits.LimitStore, "ask", ask), patch.object(limits.LimitStore, "look", ask):
        yield


MUTANTS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    "no lease check before a request": _no_lease_check_before_a_request,
    "taken over too early": _taken_over_too_early,
    "no fence": _no_fence,
    "no read-back": _no_read_back,
    "unknown is taken as written": _unknown_is_taken_as_written,
    "no limits": _no_limits,
}


def hunted(name: str, seeds: range, on: Stores | None = None) -> tuple[int, str]:
    """The first seed whose accounts, or whose end, show the mutant, and how; (0, "") when none does."""
    with MUTANTS[name]():
        for seed in seeds:
            try:
                history: History = simulate(seed, on)
            except Exception as error:  # noqa: BLE001 - a store that refuses what a mutant does has noticed it
                return seed, f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
            if history.violations:
                return seed, history.violations[0]
    return 0, ""
