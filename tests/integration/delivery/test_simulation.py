"""The simulation's short form. The long one: arsync bench faults --seeds N."""

from __future__ import annotations

import sys

import pytest

from tests.integration.delivery.mutants import hunted
from tests.integration.delivery.simulation import History, simulate


@pytest.mark.parametrize("seed", (1, 2, 3))
def test_whatever_goes_wrong_every_intent_ends_in_a_known_state(seed: int) -> None:
    history = simulate(seed)
    sys.stdout.write(f"{history}\n")
    assert history.violations == ()
    assert history.kills + history.lost_leases + history.ambiguous > 0, "something did go wrong"


@pytest.mark.parametrize("name", ["no fence", "no read-back"])
def test_the_accounts_show_a_slip_of_the_engine(name: str) -> None:
    seed, how = hunted(name, range(1, 4))
    sys.stdout.write(f"{name}: shown by seed {seed}: {how}\n")
    assert seed


def test_one_seed_is_one_history() -> None:
    def told(history: History) -> tuple[object, ...]:
        return history.digest, history.kills, history.lost_leases, history.requests, history.days

    assert told(simulate(2)) == told(simulate(2))
