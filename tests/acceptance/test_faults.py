"""The first sync while everything misbehaves: the same end state as without, nothing lost, nothing written twice."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.fixtures.acceptance import CRM_OBJECTS, Scene, assert_agreed

pytestmark = pytest.mark.slow

WRITES = {"method": "POST|PATCH", "path": "composite/sobjects"}
FAULTS: list[dict[str, Any]] = [
    {"kind": "error", "vendor": "*", "rate": 0.05, "params": {"status": [429, 500, 502, 503]}},
    # wherever the dice fall, each vendor fails at least once
    *({"kind": "error", "vendor": v, "times": 1, "params": {"status": [503]}} for v in ("netsuite", "stripe")),
    {"kind": "error", "vendor": "salesforce", "times": 1, "params": {"status": [503]}, "match": {"path": "/query"}},
    {"kind": "error", "vendor": "netsuite", "times": 2, "params": {"status": [429], "retry_after": 1}},
    {"kind": "expire_token", "vendor": "salesforce", "rate": 0.3, "times": 2, "match": {"path": "/query"}},
    {"kind": "drop_before", "vendor": "*", "rate": 0.03, "times": 4},
    {"kind": "lock_row", "vendor": "salesforce", "rate": 0.2, "times": 30},
    {"kind": "drop_after", "vendor": "salesforce", "times": 2, "match": {"path": "composite/sobjects"}},
]


def test_sync_under_faults_ends_like_one_without(fresh: Scene) -> None:
    fresh.edit("multi_currency = true", "multi_currency = true\npage_size = 200")
    for fault in FAULTS:
        fresh.sandbox.add_fault(**fault)
    report = fresh.sync()
    struck = {f"{rule['kind']}-{rule['vendor']}": rule["hits"] for rule in fresh.sandbox.control("GET", "/faults")}
    fresh.sandbox.clear_faults()
    assert all(hits > 0 for hits in struck.values()), struck
    assert_agreed(fresh)
    assert all(pushed["rejected"] == pushed["dead"] == 0 for pushed in report["push"].values())
    assert sum(pushed["read_back"] for pushed in report["push"].values()) > 0  # answers lost after the commit

    writes = fresh.writes()
    effects = Counter((entry["object"], entry["key"], json.dumps(entry["body"], sort_keys=True)) for entry in writes)
    assert max(effects.values()) == 1
    planned = {CRM_OBJECTS[name.split("__", 1)[1]]: pushed["planned"] for name, pushed in report["push"].items()}
    assert Counter(entry["object"] for entry in writes) == Counter(planned)

    again = fresh.sync()
    assert sum(pushed["planned"] for pushed in again["push"].values()) == 0
