"""A column comes, goes, changes its name, its type or its values, and one incremental run goes over it.

The run is the real one, up to staging: read and load, landing checks, the gate, and the staging model where the gate is
open. Three things are asked of it: that it said so, that no value turned into nothing behind everybody's back, and
that once the schema is as before both sides agree again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.connectors.clock import SystemClock
from arsync_pipelines.domain.errors import ArsyncError, CheckFailed
from arsync_pipelines.services import gate
from arsync_pipelines.services.landing_checks import LandingChecks
from tests.fixtures.sources.base import Key, Landed, Records, differences
from tests.integration.dbt.raw import RawWarehouse
from tests.integration.faults.drifting import WORLDS, Drift, World


class BuildFailed(Exception):
    """The staging model does not take what stands in raw."""


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Verdict:
    """What came of one drift. `said` is what people would read of it; `silent` and `lost` name rows, and stay empty."""

    system: str
    drift: Drift
    said: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def detected(self) -> bool:
        """Whether anything that was said names the stream and the column."""
        named = {self.drift.column, self.drift.name or self.drift.column}
        streams = (self.drift.stream, self.drift.table or self.drift.stream)
        return any(any(n in line for n in named) and any(s in line for s in streams) for line in self.said)

    @property
    def told(self) -> list[str]:
        """What is held against it, in a line each."""
        where = f"{self.system} {self.drift.kind} {self.drift.stream}.{self.drift.column}"
        missed = [] if self.detected else [f"{where}: nobody said so, but {self.said}"]
        found = [("silent", self.silent), ("lost", self.lost)]
        return missed + [f"{where}: {kind} {lines[:3]}" for kind, lines in found if lines]


class House:
    """An installation up to staging over one drifting source. Every run is a day after the one before."""

    def __init__(self, folder: Path, system: str, world: World) -> None:
        self.system = system
        self.world = world
        self._runs = 0
        self.landed = Landed(folder / "state", world.company.source(), clock=self, database="warehouse.duckdb")
        self._staging = RawWarehouse(folder / "state" / "warehouse.duckdb")
        self.is_open = False
        assert self.run() == [] and self.is_open, "nothing has drifted yet"

    def now(self) -> datetime:
        """The clock of its runs."""
        return SystemClock().now() + timedelta(days=self._runs)

    def run(self, since: datetime | None = None) -> list[str]:
        """Read, check, look whether the gate is open; a line for all that went wrong or was noticed."""
        self._runs += 1
        said: list[str] = []
        try:
            stats = self.landed.run(since=since)
            said += [warning for one in stats.values() for warning in one.warnings]
            said += self._set_aside([name for name, one in stats.items() if one.rows_set_aside])
        except ArsyncError as error:
            self.is_open = False  # a run that could not read its source ends here
            return [*said, f"{error}"]
        with self.landed.warehouse.writing():
            checks = LandingChecks(self.landed.warehouse, PROJECT_ROOT / "expectations")
            found = checks.run(list(self.landed.specs.values()), "run")
            try:
                gate.require_open(self.landed.warehouse)
                self.is_open = True
            except CheckFailed:
                self.is_open = False
        return said + [
            f"{r.severity} {r.subject}: {r.name} {r.failing}" for rs in found.values() for r in rs if not r.passed
        ]

    def staged(self, drift: Drift) -> dict[int, Any]:
        """What the staging model shows of a column, built anew from raw, by the number of the version that it shows.

        Raises BuildFailed with what dbt or the engine says.
        """
        model = f"stg_{self.system}__{drift.stream}"
        done = self._staging.dbt("run", "--full-refresh", "--select", model, check=False)
        if done.returncode:
            raise BuildFailed(done.stdout)
        try:
            rows = self._staging.rows(f"select _seq, {drift.staged} as shown from {model}")
        except duckdb.Error as error:  # a view, which fails whatever is built upon it
            raise BuildFailed(f"{model}: {error}") from error
        return {row["_seq"]: row["shown"] for row in rows}

    def _set_aside(self, streams: Iterable[str]) -> list[str]:
        with self.landed.warehouse.writing():
            rows = self.landed.warehouse.query("select distinct stream, reason from raw_arsync__set_aside")
        return [f"set aside of {row['stream']}: {row['reason']}" for row in rows if row["stream"] in streams]


@contextmanager
def house_over(system: str) -> Iterator[House]:
    """An installation after its first run, and the seeded source it reads."""
    subject, drifts = WORLDS[system]
    with TemporaryDirectory(prefix="schemas-") as name:
        source = Path(name) / "source"
        source.mkdir()
        subject.seed(source)
        with subject.open(source) as company:
            yield House(Path(name), system, drifts(company))


def all_drifts(system: str, *, first_of_kind: bool = False) -> list[Verdict]:
    """Every drift of a system, or the first of every kind, each upon what the one before left in agreement."""
    with house_over(system) as house:
        chosen: dict[object, Drift] = {}
        for number, drift in enumerate(house.world.drifts):
            chosen.setdefault(drift.kind if first_of_kind else number, drift)
        return [drifted(house, drift) for drift in chosen.values()]


def drifted(house: House, drift: Drift) -> Verdict:
    """One drift from its beginning to its end."""
    verdict = Verdict(house.system, drift)
    house.world.touch(drift.stream)
    truth = house.world.company.truth(drift.stream)
    house.world.begin(drift)
    verdict.said = house.run()
    news = house.landed.news(drift.stream)
    if house.is_open:
        try:
            verdict.silent = _silent(house, drift, truth, news)
        except BuildFailed as error:
            verdict.said.append(f"{error}")
    house.world.end()
    house.world.touch(drift.stream)
    # what came in another shape has its old stamp when it is as before: a person has it read again
    again = house.run(LONG_AGO if news and drift.kind in ("retyped", "grown") else None)
    verdict.lost = differences(house.world.company, house.landed, drift.stream).get(drift.stream, [])
    if not house.is_open:
        verdict.lost.append(f"the gate stayed shut: {again}")
    return verdict


def _silent(house: House, drift: Drift, truth: Records, news: set[Key]) -> list[str]:
    """Where staging shows nothing, or what it showed before, for a value that the source holds."""
    raw = house.landed.current(drift.stream)
    lines = [f"{key} is not there" for key in truth.keys() - raw.keys()]
    if not drift.staged:
        return lines
    staged = house.staged(drift)
    for key, held in raw.items():
        true = truth.get(key, {}).get(drift.column)
        shown = staged.get(held["_seq"])
        if drift.kind == "grown" and key in news and true not in (None, ""):
            true = drift.given["value"]
            if shown != true:
                lines.append(f"{key}.{drift.staged}: {shown!r} for {true!r}")
        elif true not in (None, "") and shown in (None, ""):
            lines.append(f"{key}.{drift.staged}: {shown!r} for {true!r}")
    return lines
