"""One build, as every job does it: find what is stale, build it, keep the results of its tests, record what it made.

Knows dbt's manifest but not Dagster; events are the assets' business.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from arsync_pipelines.bootstrap import Platform, all_streams
from arsync_pipelines.defs.transform import dbt
from arsync_pipelines.defs.transform.parsed import parsed
from arsync_pipelines.defs.transform.project import PROJECT_DIR, code_checksum, generated_dir, write_profile
from arsync_pipelines.defs.transform.results import TestResult, known_tests, test_results, with_sample
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.services import attempts, gate, rebuild, step_log
from arsync_pipelines.services.cases import published

_UNRUN = frozenset({"view", "ephemeral"})


@dataclass(frozen=True, slots=True)
class Build:
    """What a build did: results of the tests that ran, and what went wrong ("" when nothing did).

    `is_refused`: tests failed and nothing else did.

    `nodes`: parents before children, dbt's result event for what was built, the record for what was left as it is.
    """

    nodes: Mapping[str, Mapping[str, Any] | rebuild.Built]
    tests: tuple[TestResult, ...]
    error: str
    is_refused: bool = False


def run(
    platform: Platform,
    manifest: Mapping[str, Any],
    run_id: str,
    *,
    chosen: Collection[str] | None = None,
    everything: bool = False,
    full_refresh: bool = False,
) -> Build:
    """Build what is stale; with `everything` all nodes but unit tests, with `chosen` exactly those, stale or not.

    `full_refresh` builds everything, incremental models from the whole history. A failing node or test is told in
    `error`. Raises WarehouseError when dbt cannot run at all.
    """
    warehouse, graph = platform.warehouse, graph_of(manifest)
    with warehouse.writing():  # from the look at the sources until the record: nothing may load in between
        warehouse.ensure_tables(all_streams())
        platform.run_context.write(warehouse)
        attempts.copy(platform.intents, warehouse)
        published.copy(platform.ops.cases, warehouse)
        versions = rebuild.versions(warehouse, set(graph.sources.values()) - {step_log.TABLE}) | {step_log.TABLE: ""}
        current = rebuild.fingerprints(graph, code_checksum(), versions)
        recorded = {i: b for i, b in rebuild.recorded(warehouse).items() if i in graph.nodes}
        if chosen is not None:
            due = {node_id for node_id in chosen if node_id in graph.nodes}
        else:
            due = rebuild.stale(graph, current, recorded, rebuild.relations(warehouse))
            if everything or full_refresh:  # a unit test looks at no row: what it showed of this code stands
                due |= {i for i in graph.nodes if not i.startswith("unit_test.")}
        struck = {i for i in graph.with_descendants(due) if i in due or graph.nodes[i].holds_data}
        standing = {i: b for i, b in recorded.items() if i not in struck}
        reused = {i: b for i, b in recorded.items() if i not in due}
        if not due:
            return Build({i: reused[i] for i in graph.sources_above}, (), "")
        rebuild.replace(warehouse, standing)
        failpoint("build.struck")
        project = parsed(platform)  # as its files are now, whatever they were when the job was loaded
        with step_log.logged(warehouse, "build", run_id) as ending:
            with warehouse.lent():
                outcome = dbt.build(
                    project,
                    dbt.Folders(PROJECT_DIR, write_profile(platform), generated_dir(platform)),
                    None if due == set(graph.nodes) else due,
                    full_refresh=full_refresh,
                )
            if outcome.error:
                ending.state = "refused" if outcome.is_refused else "failed"
        failpoint("build.built")
        tests = [with_sample(warehouse, r) for r in test_results(outcome.results, manifest)]
        gate.record_models(warehouse, [t.check for t in tests], run_id, known_tests(manifest))
        done = {r.node_id for r in outcome.results if r.succeeded}
        made = rebuild.built_now(current, rebuild.finished(graph, current, standing, done), run_id)
        rebuild.replace(warehouse, {**standing, **made})
        if everything or full_refresh:
            warehouse.compact()  # every night, for the proof
    nodes: dict[str, Mapping[str, Any] | rebuild.Built] = dict(reused)
    nodes |= {event["data"]["node_info"]["unique_id"]: event for event in outcome.events}
    return Build(
        {i: nodes[i] for i in graph.sources_above if i in nodes}, tuple(tests), outcome.error, outcome.is_refused
    )


def graph_of(manifest: Mapping[str, Any]) -> rebuild.Graph:
    """What depends on what, of dbt's manifest."""
    nodes = {}
    for node in [*manifest["nodes"].values(), *manifest.get("unit_tests", {}).values()]:
        kind = node["resource_type"]
        made = node["config"].get("materialized", "") if kind in {"model", "seed", "snapshot"} else ""
        nodes[node["unique_id"]] = rebuild.Node(
            node_id=node["unique_id"],
            parents=tuple(node["depends_on"].get("nodes", ())),
            relation=(node.get("alias") or node["name"]) if made not in {"", "ephemeral"} else "",
            holds_data=made not in _UNRUN and kind != "unit_test",
        )
    return rebuild.Graph(nodes, {i: source["identifier"] for i, source in manifest["sources"].items()})
