"""dbt for many small builds of random ledgers, and for builds of changed text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tests.integration.dbt.in_process import Dbt
from tests.integration.dbt.raw import RawWarehouse
from tests.integration.oracle.mutants import Mutant


class Builder(Dbt):
    """Builds warehouses, of the project as it is and with a mutant in it."""

    def do(self, warehouse: Path, *arguments: str, may_fail: bool = False) -> Any:
        """dbt's result. Raises RuntimeError with what failed, unless that is awaited."""
        done = self.invoke(warehouse, "--log-level", "none", *arguments)
        if done.exception or not (done.success or may_fail):
            failed = [f"{r.node.name}: {r.message}" for r in getattr(done.result, "results", ()) if r.message != "OK"]
            raise RuntimeError(f"dbt {arguments[0]}: {done.exception or failed}")
        return done.result

    def run(self, warehouse: Path, models: Iterable[str]) -> None:
        self.do(warehouse, "run", "--select", *models)

    def failing(self, warehouse: Path, unit_tests: Iterable[str]) -> int:
        """How many of these fail. Raises RuntimeError when one cannot be run."""
        told = self.do(warehouse, "test", "--select", *unit_tests, may_fail=True)
        results = [r for r in told if str(r.node.resource_type) == "unit_test"]  # and none of what dbt does before
        broken = [str(r.message) for r in results if str(r.status) not in {"pass", "fail"}]
        if broken:
            raise RuntimeError(f"dbt test: {broken}")
        return sum(str(r.status) == "fail" for r in results)

    @contextmanager
    def changed(self, mutant: Mutant) -> Iterator[set[str]]:
        """The project with the mutant in it; ids of the nodes whose own text it touches."""
        files = [n for n in self.manifest.nodes.values() if n.original_file_path == mutant.path]
        macros = [m for m in self.manifest.macros.values() if m.package_name == "arsync"]
        texts = [(node, "raw_code") for node in files if node.resource_type == "model"]
        texts += [(macro, "macro_sql") for macro in macros if macro.original_file_path == mutant.path]
        hits = [(owner, name, text) for owner, name in texts if mutant.right in (text := getattr(owner, name))]
        times = sum(text.count(mutant.right) for _owner, _name, text in hits)
        if times != 1:
            raise ValueError(f"{mutant.path} says {mutant.right!r} {times} times: the mutant has to be written anew")
        owner, name, text = hits[0]
        setattr(owner, name, text.replace(mutant.right, mutant.wrong))
        try:
            yield self._users(owner.unique_id) if name == "macro_sql" else {owner.unique_id}
        finally:
            setattr(owner, name, text)

    def _users(self, macro: str) -> set[str]:
        macros, grown = {macro}, 0
        while grown != len(macros):
            grown = len(macros)
            macros |= {m.unique_id for m in self.manifest.macros.values() if macros & set(m.depends_on.macros)}
        return {n.unique_id for n in self.manifest.nodes.values() if macros & set(n.depends_on.macros)}

    def below(self, nodes: set[str], wanted: Iterable[str]) -> list[str]:
        """Names of the models below `nodes` (all when there are none) that `wanted` tables need."""
        chosen = self._reached({f"model.arsync.{name}" for name in wanted}, self.manifest.parent_map)
        if nodes:
            chosen &= self._reached(nodes, self.manifest.child_map)
        return [node.split(".")[2] for node in sorted(chosen) if node.startswith("model.")]

    def _reached(self, start: set[str], ways: dict[str, list[str]]) -> set[str]:
        found, queue = set(start), list(start)
        while queue:
            new = [node for node in ways.get(queue.pop(), ()) if node not in found]
            found.update(new)
            queue += new
        return found

    def is_incremental(self, model: str) -> bool:
        return bool(self.manifest.nodes[f"model.arsync.{model}"].config.materialized == "incremental")


class PackedWarehouse(RawWarehouse):
    """Loads whole tables at once, and is built by dbt in this process."""

    builder: Builder

    @classmethod
    def of(cls, folder: Path, builder: Builder) -> PackedWarehouse:
        made = cls(folder / "warehouse.duckdb")
        made.builder = builder
        return made

    def flush(self) -> None:
        tables: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
        for table, row in self.pending:
            tables[table, tuple(row)].append(row)
        with duckdb.connect(str(self.path)) as db:
            for (table, _names), rows in tables.items():
                db.register("arrived", pa.Table.from_pylist(rows))
                db.execute(f"insert into {table} by name select * from arrived")
                db.unregister("arrived")
        self.pending.clear()

    def build(self, *arguments: str) -> None:
        """Models, seeds and tests that `arguments` name. Raises RuntimeError with what failed."""
        self.flush()
        kinds = [word for kind in ("model", "seed", "test") for word in ("--resource-type", kind)]
        self.builder.do(self.path, "build", *kinds, "--indirect-selection", "empty", *arguments)
