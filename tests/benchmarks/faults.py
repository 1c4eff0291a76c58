"""Every recipe against delivery, and its figure: what was tried, on which database, and what came of it.

    arsync bench faults --seeds 1000

Simulated seeds run on SQLite, a part of them on Postgres too, where each must be the same history. Processes that are
killed, stopped or out of disk are real ones, and write to a stand-in that is one. Rows go to stderr as they are known.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from tests.benchmarks.report import Target, main
from tests.integration.delivery.mutants import MUTANTS, hunted
from tests.integration.delivery.simulation import History, simulate
from tests.integration.delivery.stores import DATABASES, Stores, stores
from tests.integration.delivery.verdict import WRONGS
from tests.integration.faults import batches, disks, kills, others, pauses, replays, schemas, storms, tokens
from tests.integration.faults.cursors.ours import Arsync
from tests.integration.faults.cursors.peer import PEERS
from tests.integration.faults.cursors.stories import PLAIN, STORIES
from tests.integration.faults.cursors.telling import Contender, figures, told
from tests.integration.faults.drifting import WORLDS

SEEDS, ON_POSTGRES = 1000, 0.25
TARGETS = (
    Target("missed", at_most=0),
    Target("seeds", at_least=SEEDS),
    Target("kill_points_hit", at_least=200),
)
Row = dict[str, Any]


class Report:
    """Rows of the table; what is held against a row's target counts as missed."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.missed: list[str] = []
        self._since = time.monotonic()

    def add(self, recipe: str, on: str, tried: str, figures: str, wrong: Counter[str] | bool, told: Any = ()) -> None:
        """`wrong`: what must be nothing, by kind; or whether the target was missed."""
        bad = +wrong if isinstance(wrong, Counter) else wrong
        seconds, self._since = round(time.monotonic() - self._since), time.monotonic()
        row = {"recipe": recipe, "on": on, "tried": tried, "figures": figures, "held": not bad, "seconds": seconds}
        self.rows.append(row)
        sys.stderr.write(f"{row}\n")
        if bad:
            what = dict(bad) if isinstance(bad, Counter) else figures
            self.missed.append(f"{recipe} on {on}: {what} {list(told)[:5]}")


def run(scale: float = 1.0) -> dict[str, Any]:
    """All recipes; `scale` is the fraction of SEEDS, and below 1 the real processes meet only the first hits."""
    report, most = Report(), 1000 if scale >= 1 else 1 + int(scale * 5)
    with ExitStack() as stack:
        on = {name: stack.enter_context(stores(name)) for name in DATABASES}
        simulated = _simulations(report, on, scale)
        for name in DATABASES:
            _mutants(report, on[name])
        hits = _processes(report, on, most)
        for each in on.values():
            _in_process(report, each, scale)
    _elsewhere(report, scale)
    return {
        "seeds": simulated["sqlite"],
        "seeds_on_postgres": simulated["postgres"],
        "kill_points_hit": hits,
        "missed": len(report.missed),
        "what_was_missed": report.missed,
        "table": report.rows,
    }


def _simulations(report: Report, on: dict[str, Stores], scale: float) -> dict[str, int]:
    seen: dict[str, list[History]] = {}
    for name, share in (("sqlite", 1.0), ("postgres", ON_POSTGRES)):
        seeds = range(1, max(1, round(SEEDS * scale * share)) + 1)
        seen[name] = histories = [simulate(seed, on[name]) for seed in seeds]
        wrong: Counter[str] = sum((h.wrong for h in histories), Counter())
        pairs = zip(histories, seen["sqlite"], strict=False)
        wrong["histories_that_differ"] += sum(one.digest != other.digest for one, other in pairs)
        states: Counter[str] = sum((Counter(h.states) for h in histories), Counter())
        days, seconds = sum(h.days for h in histories), sum(h.seconds for h in histories)
        tried = f"{len(seeds)} seeds, {sum(h.intents for h in histories)} intents, {sum(h.kills for h in histories)} "
        tried += f"kills, {sum(h.lost_leases for h in histories)} leases lost, "
        tried += f"{sum(h.ambiguous for h in histories)} unknown outcomes; {days / seconds * 60:.0f} days a minute"
        figures = f"{_said(wrong, (*WRONGS, 'histories_that_differ'))}; {_said(states, sorted(states))}"
        report.add(
            "simulation", name, tried, figures, wrong, [f"{h.seed} {v}" for h in histories for v in h.violations]
        )
    return {name: len(histories) for name, histories in seen.items()}


def _mutants(report: Report, on: Stores) -> None:
    hunts = {name: hunted(name, range(1, 11), on) for name in MUTANTS}
    survived = [name for name, (seed, _) in hunts.items() if not seed]
    figures = f"killed {len(hunts) - len(survived)}/{len(hunts)}"
    report.add("mutants", on.database, f"{len(hunts)} slips", figures, bool(survived), survived)


def _processes(report: Report, on: dict[str, Stores], most: int) -> int:
    hits = 0
    with kills.world() as there:
        for each in on.values():
            failed = partial(kills.killed_everywhere, action="raise")
            recipes = {
                "kill -9": kills.killed_everywhere,
                "kill -9 twice": kills.killed_in_recovery,
                "a step fails": failed,
            }
            for name, recipe in recipes.items():
                found = recipe(each, there, most=most)  # type: ignore[operator]
                hits += found.kills if name != "a step fails" else 0
                figures = f"{_said(found.wrong, PROMISES)}; recovery p95 {found.recovery_p95:.1f} s"
                tried = f"{found.kills} times at {len(+found.hits)} points"
                report.add(name, each.database, tried, figures, found.wrong, found.told)
        found = pauses.paused_everywhere(on["postgres"], there, most=most)
        tried = f"{found.kills} SIGSTOP beyond the lease, {found.hits['taken_over']} taken over meanwhile"
        report.add(
            "paused worker", "postgres", tried, _said(found.wrong, ("zombies", *PROMISES)), found.wrong, found.told
        )
        step = disks.STEP * (1 if most > 10 else 16)
        found = disks.full_everywhere(on["sqlite"], there, step)
        figures = _said(found.wrong, ("corrupted", *PROMISES))
        report.add("disk full", "sqlite", f"at {found.kills} writes", figures, found.wrong, found.told)
    return hits


PROMISES = ("lost", "duplicated", "left_wrong", "unaccounted", "broken_chains", "failed")


def _in_process(report: Report, on: Stores, scale: float) -> None:
    flips = disks.flipped(on, max(20, round(400 * min(1.0, scale))))
    unnoticed = flips.unnoticed
    figures = f"detected {flips.detected}/{flips.flipped}"
    report.add("flipped bits", on.database, f"{flips.flipped} bits", figures, bool(unnoticed), unnoticed)
    masked = batches.every_mask(on, 8 if scale >= 1 else 4)
    wrong = Counter(unaccounted=masked.unaccounted, duplicated=masked.duplicated, lost=masked.lost)
    tried = f"{masked.masks} masks, {masked.rows} rows"
    report.add("batch masks", on.database, tried, _said(wrong, sorted(wrong)), wrong)
    replayed = replays.replayed_twice(on, 50)
    wrong = Counter(
        moved_twice=replayed.moved - replayed.held, lost=replayed.lost, unaccounted=replayed.unaccounted,
        second_effects=replayed.most_effects - 1,
    )  # fmt: skip
    wrong["moved_twice"] = max(0, wrong["moved_twice"])
    figures = f"effects per replay {replayed.most_effects}; {_said(wrong, sorted(wrong))}"
    report.add("replay twice", on.database, f"{replayed.held} dead letters, replayed by two, twice", figures, wrong)


def _elsewhere(report: Report, scale: float) -> None:
    with stores("sqlite") as on:
        for form in storms.FORMS:
            storm = storms.storm(on, form, 95 if scale >= 1 else 25)
            wrong = Counter(early=storm.early, unaccounted=storm.unaccounted)
            figures = f"drain {storm.times_ideal:.3f} x ideal; {_said(wrong, sorted(wrong))}"
            tried = f"{storm.requests} requests, {storm.refused} of them refused"
            report.add(f"429 storm, Retry-After {form}", "sqlite", tried, figures, wrong)
    ended = tokens.expired(max(200, round(5000 * min(1.0, scale))))
    tried = f"{ended.expiries} expiries, {tokens.WORKERS} workers, {ended.refused} requests refused"
    figures = f"refreshes per expiry {ended.refreshes / max(1, ended.expiries):.2f}; failed {ended.failed}"
    report.add("token expiry", "-", tried, figures, ended.refreshes != ended.expiries or ended.failed > 0)
    _cursors(report)
    _schemas(report, scale)
    for recipe, files in others.RECIPES.items():
        good, bad = others.passed(files)
        report.add(recipe, "as its tests", f"{good + bad} tests", f"passed {good}", bad > 0)


def _cursors(report: Report) -> None:
    """Ours, then each way to use the other tool; what that one loses is no target of ours."""
    contenders: dict[str, Contender] = {"arsync": Arsync, **PEERS}
    for name, contender in contenders.items():
        outcomes = [told(story, contender) for story in STORIES]
        (plain,) = (one for one in outcomes if one.story.name == PLAIN)
        if plain.wrong:
            raise AssertionError(f"{name} is not set up rightly: {plain}")
        broken = [str(one) for one in outcomes if one.broken] if name == "arsync" else []
        differ = "; ".join(f"{one.story.name}: {one.said}" for one in outcomes if one.wrong)
        tried = f"{len(STORIES)} stories, {sum(one.expected for one in outcomes)} rows"
        report.add("cursor suite", name, tried, f"{figures(outcomes)} ({differ})", bool(broken), broken)


def _schemas(report: Report, scale: float) -> None:
    """Every drift of every system; below the full scale the first of every kind."""
    verdicts = [v for system in WORLDS for v in schemas.all_drifts(system, first_of_kind=scale < 1)]
    kinds = Counter((v.system, v.drift.kind) for v in verdicts)
    missed = {(v.system, v.drift.kind) for v in verdicts if not v.detected}
    wrong = Counter(
        undetected=sum(not v.detected for v in verdicts), silent_nulls=sum(len(v.silent) for v in verdicts),
        lost=sum(len(v.lost) for v in verdicts),
    )  # fmt: skip
    tried = f"{len({kind for _, kind in kinds})} kinds x {len(WORLDS)} systems, {len(verdicts)} columns"
    figures = f"kinds detected {len(kinds) - len(missed)}/{len(kinds)}; {_said(wrong, sorted(wrong))}"
    report.add("schema drift", "staging", tried, figures, wrong, [line for v in verdicts for line in v.told])


def _said(wrong: Counter[str], kinds: Sequence[str]) -> str:
    return ", ".join(f"{kind} {wrong[kind]}" for kind in kinds)


if __name__ == "__main__":
    main("faults", run, TARGETS, full=SEEDS)
