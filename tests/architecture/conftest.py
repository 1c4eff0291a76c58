"""Made once for all of these tests: dbt's manifest, and Dagster's definitions with every vendor configured."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.connectors.registry import CONNECTORS
from arsync_pipelines.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

_SECRET = {"env": "NOBODY_ASKS"}
CONNECTIONS: dict[str, dict[str, Any]] = {
    "salesforce": {
        "base_url": "https://acme.my.salesforce.com",
        "auth": {"method": "client_credentials", "client_id": _SECRET, "client_secret": _SECRET},
    },
    "netsuite": {
        "account": "1234567",
        "time_zone": "UTC",
        "auth": {
            "method": "tba",
            "consumer_key": _SECRET,
            "consumer_secret": _SECRET,
            "token_id": _SECRET,
            "token_secret": _SECRET,
        },
    },
    "stripe": {"api_key": _SECRET, "webhook": {"secrets": [_SECRET]}},
    "tryton": {"base_url": "https://tryton.example.com", "database": "ar", "user": "arsync", "password": _SECRET},
    "files": {
        "folder": "extracts",
        "currency": "USD",
        "invoices": {
            "pattern": "*.csv",
            "full": True,
            "columns": dict.fromkeys(("invoice_id", "customer_id", "invoice_date", "due_date", "amount"), "Column"),
        },
    },
}
"""Least options of every registered connector; a new one adds a line."""


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt's parsed project goes."""
    return tmp_path_factory.mktemp("architecture")


@pytest.fixture(scope="session")
def platform(state_dir: Path) -> Platform:
    assert set(CONNECTIONS) == set(CONNECTORS), "give the new connector its least options here"
    connections = {f"my_{vendor}": {"vendor": vendor, **options} for vendor, options in CONNECTIONS.items()}
    return Platform(Settings.model_validate({"state_dir": state_dir, "connections": connections}))


@pytest.fixture(scope="session")
def manifest(platform: Platform) -> dict[str, Any]:
    from arsync_pipelines.defs.transform.parsed import parsed

    return parsed(platform).manifest


@pytest.fixture(scope="session")
def definitions(platform: Platform, manifest: dict[str, Any]) -> dg.Definitions:
    assert manifest, "parsed before, so that building definitions need not"
    with pytest.MonkeyPatch.context() as patch:
        # Dagster's entry builds definitions as it is imported: without connections, beside the same parsed project
        patch.delenv("ARSYNC_CONFIG", raising=False)
        patch.setenv("ARSYNC_STATE_DIR", str(platform.settings.state_dir))
        from arsync_pipelines.definitions import build_defs

    return build_defs(platform)


@pytest.fixture(scope="session")
def refresh() -> bool:
    """Whether stored snapshots are to be written anew instead of compared: ARSYNC_REFRESH=1."""
    return bool(os.environ.get("ARSYNC_REFRESH"))
