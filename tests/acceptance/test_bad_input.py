"""Bad input ends in a message that says what, where and what to do; nothing is published, nothing is lost.

One synced installation with a day of unread business serves all cases; the last test takes every obstacle away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fixtures.acceptance import Ended, Scene, assert_agreed

pytestmark = pytest.mark.slow(shares="an installation after its first sync")

CONFIGURATION, SOURCE, CHECK = 2, 3, 6


@pytest.fixture(scope="module")
def scene(synced: Scene) -> Scene:
    synced.sandbox.advance(1)
    return synced


@pytest.fixture
def before(scene: Scene) -> Iterator[Scene]:
    """Whatever a test breaks is mended after it; snapshot and CRM must stand as they stood."""
    configuration = scene.config.read_text(encoding="utf-8")
    secrets = {path: path.read_bytes() for path in scene.sandbox.secrets_dir.iterdir() if path.is_file()}
    snapshot, journal = scene.snapshot(), scene.journal_end()
    yield scene
    scene.sandbox.clear_faults()
    scene.config.write_text(configuration, encoding="utf-8")
    for path, content in secrets.items():
        path.write_bytes(content)
    assert scene.snapshot() == snapshot
    assert scene.sandbox.journal(after=journal) == []


def assert_told(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err, ended.err


def test_malformed_configuration(before: Scene) -> None:
    before.config.write_text('state_dir = "x\n[connections', encoding="utf-8")
    for command in ("sync", "plan", "doctor"):
        assert_told(before.arsync(command), CONFIGURATION, str(before.config), "not valid TOML", "line 1")


def test_unknown_field_in_a_mapping(before: Scene) -> None:
    before.edit(
        "[connections.crm.auth]", '[connections.crm.mapping.account]\nopen_blance = "X__c"\n[connections.crm.auth]'
    )
    words = ("connections.crm.", "mapping.account", "open_blance", "known:", "open_balance")
    assert_told(before.arsync("sync"), CONFIGURATION, *words)


def test_mapping_to_a_field_that_the_org_lacks(before: Scene) -> None:
    before.edit(
        "[connections.crm.auth]", '[connections.crm.mapping.account]\nopen_balance = "Typo__c"\n[connections.crm.auth]'
    )
    assert_told(before.arsync("sync"), SOURCE, "crm", "account", "Typo__c", "arsync")
    doctor = before.arsync("doctor", "--json")
    assert doctor.code == SOURCE
    failed = {check["name"]: check for check in doctor.data["crm"] if check["status"] == "failed"}
    assert any("Typo__c" in check["detail"] and check["advice"] for check in failed.values())
    assert all(check["status"] != "failed" for check in doctor.data["erp"] + doctor.data["processor"])


def test_unknown_vendor_and_connection_of_an_entity(before: Scene) -> None:
    before.edit('vendor = "stripe"', 'vendor = "strype"')
    assert_told(before.arsync("doctor"), CONFIGURATION, "connections.processor.vendor", "strype", "known:", "stripe")


def test_wrong_credentials(before: Scene) -> None:
    secrets = before.sandbox.secrets_dir
    for name in ("salesforce_client_secret", "netsuite_token_secret", "stripe_api_key"):
        secret = (secrets / name).read_text()
        (secrets / name).write_text(secret[:-4] + "0000")
    ended = before.arsync("sync")
    assert_told(ended, SOURCE, "'crm'", "'erp'", "'processor'", "401")
    doctor = before.arsync("doctor", "--json")
    assert doctor.code == SOURCE
    for connection in ("crm", "erp", "processor"):
        assert any(check["status"] == "failed" and check["advice"] for check in doctor.data[connection]), connection
    for name in ("salesforce_client_secret", "netsuite_token_secret", "stripe_api_key"):
        written = (secrets / name).read_text()
        assert written not in ended.err + ended.out + doctor.out


def test_missing_secret(before: Scene) -> None:
    (before.sandbox.secrets_dir / "stripe_api_key").unlink()
    assert_told(before.arsync("sync"), CONFIGURATION, "processor", "stripe_api_key", "cannot be read", "run again")


@pytest.mark.parametrize(("vendor", "name"), [("salesforce", "crm"), ("netsuite", "erp"), ("stripe", "processor")])
def test_unreachable_host(before: Scene, vendor: str, name: str) -> None:
    url = before.sandbox.url(vendor)
    before.edit(f'base_url = "{url}"', 'base_url = "http://127.0.0.1:9"\nretry_attempts = 2')
    assert_told(before.arsync("sync"), SOURCE, f"'{name}'", "127.0.0.1:9", "check the address")


@dataclass(frozen=True)
class Drift:
    """A column of a vendor that vanished or changed its name or its type."""

    kind: str
    vendor: str
    table: str
    column: str
    words: tuple[str, ...]
    given: tuple[tuple[str, str], ...] = ()


DRIFTS = [
    Drift("drop_column", "netsuite", "transaction", "foreigntotal", ("erp", "transaction", "foreigntotal")),
    Drift("drop_column", "salesforce", "Account", "Name", ("crm", "account", "Name")),
    Drift("drop_column", "stripe", "charge", "currency", ("charge", "currency")),
    Drift("retype_column", "netsuite", "transaction", "foreigntotal", ("transaction", "foreigntotal")),
    Drift("retype_column", "stripe", "charge", "amount", ("charge", "amount")),
    Drift(
        "rename_column", "salesforce", "Account", "Tax_Registration__c", ("crm", "account", "Tax_Registration__c"),
        (("to", "Tax_Number__c"),),
    ),
]  # fmt: skip


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda d: f"{d.kind}-{d.vendor}-{d.column}")
def test_source_column_that_drifted(before: Scene, drift: Drift) -> None:
    params = {"table": drift.table, "column": drift.column, **dict(drift.given)}
    before.sandbox.add_fault(drift.kind, drift.vendor, params=params)
    ended = before.arsync("sync", "--since", "2026-06-01")
    assert ended.code in (SOURCE, CHECK, 5), ended.err
    assert_told(ended, ended.code, *drift.words)


def test_nothing_was_lost(scene: Scene) -> None:
    before = scene.snapshot()
    report = scene.sync()
    assert report["snapshot"] == scene.snapshot() != before
    assert_agreed(scene)
