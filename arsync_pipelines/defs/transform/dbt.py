"""dbt run in this process: its result events, and what became of every node.

In a process of its own dbt would import for seconds what Dagster's integration has imported here already. One build at
a time: dbt keeps its adapter and its log in globals. Which nodes to build is not decided here.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arsync_pipelines.domain.errors import WarehouseError

_RESULT_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"})
_SUCCEEDED = frozenset({"success", "pass", "warn"})
_FAILED = frozenset({"error", "fail", "runtime error", "partial success"})


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of a node. `status` in dbt's words; `failures` are the rows that broke a test's rule."""

    node_id: str
    status: str
    message: str
    failures: int | None
    sql: str

    @property
    def succeeded(self) -> bool:
        return self.status in _SUCCEEDED


@dataclass(frozen=True, slots=True)
class Outcome:
    """dbt's result events as plain data, the results, and what went wrong ("" when nothing did)."""

    events: tuple[Mapping[str, Any], ...]
    results: tuple[NodeResult, ...]
    error: str

    @property
    def is_refused(self) -> bool:
        """Whether tests failed and nothing else did: every model could be built, but what they hold is not right."""
        failed = [r.status for r in self.results if r.status in _FAILED]
        return bool(failed) and set(failed) == {"fail"}


def build(
    project: Path,
    profiles: Path,
    generated: Path,
    names: Sequence[str] | None = None,
    *,
    full_refresh: bool = False,
) -> Outcome:
    """`dbt build` of the nodes with these fully qualified names, or of all. A node that fails is a result, no error.

    `generated`: folder of dbt's logs and parsed project. Raises WarehouseError when dbt could not start building.
    """
    arguments = ["--log-path", str(generated / "logs"), "--log-level-file", "none", "--log-level", "none"]
    arguments += ["--no-send-anonymous-usage-stats", "--no-use-colors", "--no-write-json", "build"]
    arguments += ["--project-dir", str(project), "--profiles-dir", str(profiles)]
    arguments += ["--target-path", str(generated / "target")]  # one, so that dbt parses only what changed
    if full_refresh:
        arguments.append("--full-refresh")
    if names is not None:
        arguments += ["--indirect-selection", "empty", "--select", *(f"fqn:{name}" for name in names)]
        # a name selects what stands below it too, which is a model's unit tests: those change with the code alone
        arguments += ["--exclude-resource-type", "unit_test"]
    events: list[Mapping[str, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what dbt's own dependencies deprecate is not ours to mend
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner
        from dbt_common.events.functions import msg_to_dict

        def keep(message: Any) -> None:
            if message.info.name == "LogModelResult":
                sys.stdout.write(f"{message.info.msg}\n")  # the run's log shows how far it is
                sys.stdout.flush()
            if message.info.name in _RESULT_EVENTS:
                events.append(msg_to_dict(message))

        close: Callable[[], None] = DuckDBConnectionManager.close_all_connections
        try:
            outcome = dbtRunner(callbacks=[keep]).invoke(arguments)
        finally:
            close()  # dbt itself would keep the file open
    if isinstance(outcome.exception, Exception):
        raise WarehouseError(f"dbt could not build: {outcome.exception}") from outcome.exception
    if outcome.exception is not None:
        raise outcome.exception  # somebody interrupts, and dbt has caught it
    results = tuple(
        NodeResult(
            node_id=str(r.node.unique_id),
            status=str(r.status),
            message=str(r.message or ""),
            failures=r.failures,
            sql=str(getattr(r.node, "compiled_code", None) or ""),
        )
        for r in getattr(outcome.result, "results", ())
    )
    failed = [f"{r.node_id.split('.')[2]}: {r.message}" for r in results if r.status in _FAILED]
    return Outcome(tuple(events), results, "; ".join(failed[:5]) if failed or outcome.success else "dbt build failed")
