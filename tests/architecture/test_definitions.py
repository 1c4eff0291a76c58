"""What Dagster shows does not change unnoticed: every asset, check, job, schedule, sensor and pool stands in a file.

After a change that is meant: ARSYNC_REFRESH=1 pytest tests/architecture/test_definitions.py, and commit the file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from arsync_pipelines.bootstrap import Platform

if TYPE_CHECKING:
    import dagster as dg

STORED = Path(__file__).with_name("definitions.json")
ROOT = Path(__file__).resolve().parents[2]


def describe(definitions: dg.Definitions) -> dict[str, Any]:
    """Everything a person sees in the UI, as plain data in a stable order."""
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    checks: dict[str, list[str]] = {}
    for key in graph.asset_check_keys:
        checks.setdefault(key.asset_key.to_user_string(), []).append(key.name)
    pools = {
        key.to_user_string(): made.op.pool for key, made in repository.assets_defs_by_key.items() if made.is_executable
    }
    assets = {}
    for key in graph.get_all_asset_keys():
        node, name = graph.get(key), key.to_user_string()
        assets[name] = {
            "group": node.group_name,
            "owners": sorted(node.owners),
            "kinds": sorted(node.kinds),
            "description": (node.description or "").strip().split("\n\n")[0],
            "pool": pools.get(name),
            "checks": sorted(checks.get(name, [])),
        }
    jobs = {
        job.name: {
            "description": job.description,
            "steps": sorted(node.name for node in job.nodes),
            "assets": _by_group(graph.get(key).group_name for key in job.asset_layer.selected_asset_keys),
        }
        for job in repository.get_all_jobs()
        if not job.name.startswith("__")
    }
    schedules = {
        made.name: {"cron": made.cron_schedule, "job": made.job_name, "status": made.default_status.value}
        for made in repository.schedule_defs
    }
    sensors = {
        sensor.name: {
            "description": sensor.description,
            "jobs": sorted(target.job_name for target in sensor.targets),
            "seconds": sensor.minimum_interval_seconds,
            "status": sensor.default_status.value,
        }
        for sensor in repository.sensor_defs
    }
    parts = {"assets": assets, "jobs": jobs, "schedules": schedules, "sensors": sensors}
    return {part: dict(sorted(entries.items())) for part, entries in parts.items()}


def _by_group(names: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(str(name) for name in names).items()))


def test_definitions_are_those_on_file(definitions: dg.Definitions, refresh: bool) -> None:
    shown = json.dumps(describe(definitions), indent=1, ensure_ascii=False) + "\n"
    if refresh:
        STORED.write_text(shown, encoding="utf-8")
    stored = STORED.read_text(encoding="utf-8") if STORED.is_file() else ""
    difference = "\n".join(unified_diff(stored.splitlines(), shown.splitlines(), "on file", "now", lineterm="", n=2))
    assert not difference, f"Dagster's definitions changed; if that is meant, run with ARSYNC_REFRESH=1\n{difference}"


def test_every_dbt_test_is_a_check_that_people_see(definitions: dg.Definitions, manifest: dict[str, Any]) -> None:
    """One over several models must name its own: {{ config(meta={'dagster': {'ref': {'name': '<model>'}}}) }}."""
    shown = {key.name for key in definitions.get_repository_def().asset_graph.asset_check_keys}
    tests = [node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    assert len(tests) > 50
    assert [name for name in tests if name not in shown] == []


def test_every_asset_links_to_a_page_that_tells_of_it(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    docs = ROOT / "docs" / "reference"
    pages = {page.stem: page.read_text(encoding="utf-8") for page in docs.glob("*.md")}
    for key in graph.get_all_asset_keys():
        if key.path[-1].startswith("raw_arsync__"):
            continue
        link = str(graph.get(key).metadata["docs"].value).removeprefix("docs/reference/")
        page, _, heading = link.partition("#")
        assert not heading or f"# {heading}\n" in pages[page.removesuffix(".md")], link
        assert (docs / page).is_file(), link


def test_every_connection_says_where_a_person_looks_at_its_records(platform: Platform) -> None:
    links = {name: urlsplit(c.connector.link(c.options)) for name, c in platform.connections.items()}
    assert {link.scheme for link in links.values()} <= {"https", "file"}
    assert [name for name, link in links.items() if not (link.netloc or link.path)] == []


def test_every_asset_tells_what_it_is_and_whose(definitions: dg.Definitions) -> None:
    assets = describe(definitions)["assets"]
    assert assets
    ours = {name: asset for name, asset in assets.items() if not name.startswith("raw/raw_arsync__")}
    assert [name for name, asset in ours.items() if not asset["description"]] == []
    assert [name for name, asset in ours.items() if not asset["owners"]] == []
    assert {asset["group"] for asset in ours.values()} == {
        "raw", "staging", "intermediate", "marts", "reconciliation", "sync", "published", "crm"
    }  # fmt: skip


@pytest.mark.parametrize(("job", "pushes"), [("refresh_ar_job", set()), ("sync_ar_job", {"push_salesforce"})])
def test_a_run_for_news_reads_its_streams_and_does_all_that_is_upon_raw(
    definitions: dg.Definitions, job: str, pushes: set[str]
) -> None:
    import dagster as dg

    from arsync_pipelines.defs.ingest.selection import selected
    from arsync_pipelines.defs.quality.proof import PROOF_CHECK

    repository = definitions.get_repository_def()
    whole = repository.get_job(job)
    raw = {dg.AssetKey(["raw", "raw_stripe__charge"]), dg.AssetKey(["raw", "raw_netsuite__transaction"])}
    chosen, checks = selected(repository, job, raw)
    run = whole.get_subset(asset_selection=set(chosen), asset_check_selection=set(checks))
    assert {node.name for node in run.nodes} == {
        "ingest_stripe",
        "ingest_netsuite",
        "dbt_build",
        "published__ar_snapshot",
        *pushes,
    }
    layers = {key.path[0] for key in chosen}
    assert {key for key in chosen if key.path[0] == "raw"} == raw and {"marts", "published"} <= layers
    everything = set(whole.asset_layer.selected_asset_keys)
    assert {key for key in everything if key.path[0] != "raw"} < set(chosen)
    assert PROOF_CHECK not in {key.name for key in checks}, "an open finding is no reason to hold back a push"
    assert {key.name for key in checks if key.asset_key in raw} == {"landing_expectations"}
