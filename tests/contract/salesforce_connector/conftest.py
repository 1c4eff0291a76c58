"""A small CRM on the Salesforce stand-in, one for the tests of a module, and what its journal tells."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.sources import Company
from tests.fixtures.sources.salesforce import SalesforceCompany


@pytest.fixture(scope="module")
def running(
    seeded: Callable[[type[Company]], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SalesforceCompany]:
    folder = shutil.copytree(seeded(SalesforceCompany), tmp_path_factory.mktemp("crm") / "company")
    with SalesforceCompany.open(folder) as made:
        yield made


@pytest.fixture
def crm(running: SalesforceCompany) -> Iterator[SalesforceCompany]:
    running.calls.clear()
    yield running
    running.context.faults.remove()


def written(crm: SalesforceCompany, after: int = 0) -> list[dict[str, Any]]:
    """Journal entries of invoices."""
    entries = crm.context.journal.entries("salesforce", after)
    return [e for e in entries if e["object"] == "AR_Invoice__c" and e["operation"] in {"create", "update"}]


def last_entry(crm: SalesforceCompany) -> int:
    entries = crm.context.journal.entries("salesforce", 0)
    return max((int(e["seq"]) for e in entries), default=0)
