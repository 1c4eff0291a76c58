"""dbt run in this process: the project parsed; a build's result events, and what became of every node.

In a process of its own dbt would import for seconds what Dagster's integration has imported here already. One command
at a time: dbt keeps its adapter and its log in globals. Which nodes to build, and when to parse, is not decided here.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from arsync_pipelines.defs.transform import templates
from arsync_pipelines.defs.transform.spared import spared
from arsync_pipelines.domain.errors import ConfigError, WarehouseError
from arsync_pipelines.services.collector import calm_collector

_RESULT_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"})
_SUCCEEDED = frozenset({"success", "pass", "warn"})
_FAILED = frozenset({"error", "fail", "runtime error", "partial success"})
_DUE = "arsync-due"


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


@dataclass(frozen=True, slots=True)
class Folders:
    """The project, its profiles.yml, and where logs and compiled SQL go (`target` below it)."""

    project: Path
    profiles: Path
    generated: Path


class Packed(Protocol):
    """A parsed project: the content of partial_parse.msgpack, and the folder kept for it."""

    @property
    def packed(self) -> bytes: ...

    @property
    def folder(self) -> Path: ...


def parse(folders: Folders) -> None:
    """`dbt parse`: leaves manifest.json and partial_parse.msgpack in `target`. ConfigError in dbt's own words."""
    outcome = _invoke(None, folders, ["parse", "--no-partial-parse"])
    if not outcome.success:
        raise ConfigError(f"dbt cannot parse {folders.project.name}: {outcome.exception}") from outcome.exception


def build(
    project: Packed, folders: Folders, ids: Collection[str] | None = None, *, full_refresh: bool = False
) -> Outcome:
    """`dbt build` of the nodes with these ids, or of all. A node that fails is a result, no error.

    Raises WarehouseError when dbt could not start building.
    """
    arguments = ["--no-write-json", "build"]
    if full_refresh:
        arguments.append("--full-refresh")
    if ids is not None:
        # dbt compares every node with every name that it is given, but all nodes with a tag in one go
        arguments += ["--indirect-selection", "empty", "--select", f"tag:{_DUE}"]
    events: list[Mapping[str, Any]] = []

    def keep(message: Any) -> None:
        from dbt_common.events.functions import msg_to_dict

        if message.info.name == "LogModelResult":
            sys.stdout.write(f"{message.info.msg}\n")  # the run's log shows how far it is
            sys.stdout.flush()
        if message.info.name in _RESULT_EVENTS:
            events.append(msg_to_dict(message))

    with calm_collector(), spared(), templates.kept(project.folder):
        outcome = _invoke(_with_due(unpacked(project.packed), ids or ()), folders, arguments, keep)
    if isinstance(outcome.exception, Exception):
        raise WarehouseError(f"dbt could not build: {outcome.exception}") from outcome.exception
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


def unpacked(packed: bytes) -> Any:
    """dbt's own form of the parsed project, to be made anew for each build, which writes in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what dbt's own dependencies deprecate is not ours to mend
        from dbt.contracts.graph.manifest import Manifest
        from dbt.parser.manifest import extended_mashumuro_decoder

    manifest: Any = Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    return manifest


def _with_due(manifest: Any, due: Collection[str]) -> Any:
    """The parsed project in which nodes that are due have a tag."""
    for node_id in due:
        if node_id in manifest.nodes:
            manifest.nodes[node_id].tags = [*manifest.nodes[node_id].tags, _DUE]
        elif node_id in manifest.unit_tests:
            config = manifest.unit_tests[node_id].config
            config.tags = [*([config.tags] if isinstance(config.tags, str) else config.tags), _DUE]
    return manifest


def _invoke(
    manifest: Any, folders: Folders, arguments: list[str], keep: Callable[[Any], None] = lambda _message: None
) -> Any:
    """dbt's own result of a command. Raises what somebody interrupted it with, which dbt catches."""
    given = ["--log-path", str(folders.generated / "logs"), "--log-level-file", "none", "--log-level", "none"]
    given += ["--no-send-anonymous-usage-stats", "--no-use-colors", *arguments]
    given += ["--project-dir", str(folders.project), "--profiles-dir", str(folders.profiles)]
    given += ["--target-path", str(folders.generated / "target")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        close: Callable[[], None] = DuckDBConnectionManager.close_all_connections
        try:
            outcome = dbtRunner(manifest=manifest, callbacks=[keep]).invoke(given)
        finally:
            close()  # dbt itself would keep the file open
    if outcome.exception is not None and not isinstance(outcome.exception, Exception):
        raise outcome.exception
    return outcome
