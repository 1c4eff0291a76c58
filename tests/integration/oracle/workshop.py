"""Makes mutants and shows them to whoever has to notice.

The project is parsed once and what is right is built once. A mutant is text replaced in the parsed project: the models
that it touches are built anew on a copy, and the question is asked.

    python -m tests.integration.oracle.workshop FOLDER [NAME ...]     # a line of JSON for each mutant

dbt works in this process, so let it be one of its own.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path

from tests.integration.dbt.asking import ASKED
from tests.integration.oracle.builder import Builder, PackedWarehouse
from tests.integration.oracle.ledger import ENTITIES, Document, Ledger, Party
from tests.integration.oracle.mutants import MUTANTS, UNCHANGED, Mutant, Verdict
from tests.integration.oracle.pack import Pack, now
from tests.integration.oracle.strategy import ROUNDS, drawn

AT_ONCE, IN_ROUNDS = 150, 60
"""Ledgers shown to each judge."""
TODAY = ("fct_ar_aging", "ar_customer_summary")
VOID_TO_COME = Document(
    1, "invoice", Party(0, "1", "USD"), date(2023, 5, 1), Decimal(100), due=date(2023, 6, 1), voided=True,
    closed=ENTITIES["1"].as_of + timedelta(days=1),
)  # fmt: skip
"""Counts today and is void from tomorrow on: rare where chance decides."""


@dataclass
class Kept:
    """A pack as it was at some time, its warehouse as a copy."""

    pack: Pack
    copy: Path
    known: list[datetime]

    @classmethod
    def now(cls, pack: Pack, name: str) -> Kept:
        copy = pack.raw.path.with_name(f"{name}.duckdb")
        shutil.copyfile(pack.raw.path, copy)
        return cls(pack, copy, list(pack.known))

    def again(self) -> Pack:
        shutil.copyfile(self.copy, self.pack.raw.path)
        self.pack.known = list(self.known)
        return self.pack


@dataclass
class Workshop:
    """The right warehouses, made when first asked for, and the judges of what a mutant makes of them."""

    dbt: Builder

    def verdict(self, mutant: Mutant) -> Verdict:
        judge = self._judge(mutant.judge)
        started = time.perf_counter()
        with self.dbt.changed(mutant) as nodes:
            noticed, shown = judge(nodes)
        change = f"{mutant.path}: {mutant.right} -> {mutant.wrong}"
        seconds = round(time.perf_counter() - started, 1)
        return Verdict(mutant.kind, mutant.name, change, mutant.judge, noticed, shown, seconds)

    def _judge(self, name: str) -> Callable[[set[str]], tuple[int, int]]:
        """Its right warehouse is made here, while no mutant is about."""
        match name:
            case "at once":
                return partial(self._judge_at_once, self.at_once)
            case "in rounds":
                return partial(self._judge_in_rounds, self.rounds[0])
            case "asked":
                return partial(self._judge_asked, self.rounds[1])
            case "unit tests":
                return partial(self._judge_by_unit_tests, self.at_once)
        raise ValueError(f"no judge {name!r}")

    @cached_property
    def at_once(self) -> Kept:
        """Every ledger's rounds as one: what is loaded at once is computed by the same arithmetic."""
        ledgers = [replace(one, rounds=(sum(one.rounds, ()),)) for one in drawn(AT_ONCE)]
        pack = self._pack("at_once", [*ledgers, Ledger("netsuite", ((VOID_TO_COME,),))])
        pack.load(0)
        pack.raw.build("--select", *(f"+{table}" for table in TODAY))
        _agreed(pack.differences_today(1))
        return Kept.now(pack, "right")

    @cached_property
    def rounds(self) -> tuple[Kept, Kept]:
        """Ledgers as they grew: with the last round loaded and not yet built; and built and published."""
        pack = self._pack("rounds", drawn(IN_ROUNDS))
        for _ in range(ROUNDS - 1):
            pack.build()
        pack.load(ROUNDS - 1)
        pack.raw.flush()
        before = Kept.now(pack, "before")
        self._finish(pack, self.dbt.below(set(), ASKED))
        _agreed(pack.differences())
        return before, Kept.now(pack, "after")

    def _pack(self, name: str, ledgers: list[Ledger]) -> Pack:
        folder = self.dbt.folder / name
        folder.mkdir(parents=True)
        return Pack(PackedWarehouse.of(folder, self.dbt), ledgers)

    def _finish(self, pack: Pack, models: Iterable[str]) -> None:
        self.dbt.run(pack.raw.path, models)
        pack.publish()
        pack.known.append(now())

    def _judge_at_once(self, right: Kept, nodes: set[str]) -> tuple[int, int]:
        """From nothing: an incremental model has no table, so that it takes in everything."""
        pack = right.again()
        models = self.dbt.below(nodes, TODAY)
        for model in models:
            if self.dbt.is_incremental(model):
                pack.raw.execute(f"drop table if exists {model}; drop table if exists {model}__seen")
        self.dbt.run(pack.raw.path, models)
        return len(pack.differences_today(1)), len(pack.ledgers)

    def _judge_in_rounds(self, right: Kept, nodes: set[str]) -> tuple[int, int]:
        pack = right.again()
        self._finish(pack, self.dbt.below(set(), ASKED))
        return len(pack.differences()), len(pack.ledgers)

    def _judge_asked(self, right: Kept, nodes: set[str]) -> tuple[int, int]:
        pack = right.again()
        self.dbt.run(pack.raw.path, self.dbt.below(nodes, ASKED))
        pack.publish()
        return len(pack.differences()), len(pack.ledgers)

    def _judge_by_unit_tests(self, right: Kept, nodes: set[str]) -> tuple[int, int]:
        """On any warehouse that has the tables: unit tests take their columns and nothing else from it."""
        tests = [t.name for t in self.dbt.manifest.unit_tests.values() if nodes & set(t.depends_on.nodes)]
        return self.dbt.failing(right.pack.raw.path, tests), len(tests)


def _agreed(found: dict[int, list[str]]) -> None:
    if found:
        raise AssertionError(f"the project as it is differs from the oracle: {next(iter(found.values()))[0]}")


def main(folder: Path, names: list[str]) -> None:
    workshop = Workshop(Builder(folder))
    for mutant in (*MUTANTS, *UNCHANGED):
        if not names or mutant.name in names:
            sys.stdout.write(json.dumps(asdict(workshop.verdict(mutant))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
