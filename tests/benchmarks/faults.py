"""Deliveries under faults, simulated: several workers on one store, a virtual clock, and a vendor that loses answers,
throttles, locks, rejects, breaks down, while workers are killed and paused. What the accounts say in the end, and
whether they show slips made in the engine on purpose.

    arsync bench faults --seeds 1000
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks.report import Target, main
from tests.integration.delivery.mutants import MUTANTS, hunted
from tests.integration.delivery.simulation import History, simulate

SEEDS = 1000
TARGETS = (
    Target("unaccounted_or_doubled", at_most=0),
    Target("early_requests", at_most=0),
    Target("zombie_writes", at_most=0),
    Target("histories_that_differ", at_most=0),
    Target("mutants_survived", at_most=0),
)


def run(scale: float = 1.0) -> dict[str, Any]:
    """The seeds from 1 on; the first of them twice, for one seed must be one history."""
    seeds = range(1, max(1, round(SEEDS * scale)) + 1)
    histories = [simulate(seed) for seed in seeds]
    differ = int(simulate(seeds[0]).digest != histories[0].digest)
    broken = [h for h in histories if h.violations]
    hunts = {name: hunted(name, range(1, 11)) for name in MUTANTS}
    days, seconds = sum(h.days for h in histories), sum(h.seconds for h in histories)
    return {
        "seeds": len(histories),
        "intents": sum(h.intents for h in histories),
        **{state: sum(h.states.get(state, 0) for h in histories) for state in _states(histories)},
        "requests": sum(h.requests for h in histories),
        "kills": sum(h.kills for h in histories),
        "lost_leases": sum(h.lost_leases for h in histories),
        "ambiguous_outcomes": sum(h.ambiguous for h in histories),
        "unaccounted_or_doubled": len(broken),
        "early_requests": sum(h.early for h in histories),
        "zombie_writes": sum(h.zombies for h in histories),
        "histories_that_differ": differ,
        "mutants": len(hunts),
        "mutants_survived": sum(not seed for seed, _ in hunts.values()),
        "simulated_days_per_minute": round(days / seconds * 60, 2),
        "broken_seeds": [f"{h.seed}: {'; '.join(h.violations)}" for h in broken][:20],
        "table": [{"mutant": name, "seed": seed, "shown_by": how} for name, (seed, how) in hunts.items()],
    }


def _states(histories: list[History]) -> list[str]:
    return sorted({state for h in histories for state in h.states})


if __name__ == "__main__":
    main("faults", run, TARGETS, full=SEEDS)
