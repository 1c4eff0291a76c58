"""`arsync prove` as a scheduler runs it: a posting without a document ends it with 6, until it is taken back."""

from __future__ import annotations

import pytest

from tests.fixtures.acceptance import Scene
from tests.fixtures.netsuite_records import Records

pytestmark = pytest.mark.slow

CHECK = 6
CONTROL, BANK, CLEARING = 11, 14, 15
"""Accounts of the first legal entity."""


@pytest.fixture(scope="module")
def scene(fresh: Scene) -> Scene:
    fresh.sync()
    return fresh


def test_it_holds_and_says_how_old_it_is(scene: Scene) -> None:
    said = scene.expect("prove", "--json").data
    assert said["holds"] is True and said["foots"] is True and said["critical"] == []
    assert 0 <= said["age_seconds"] < 600
    assert said["snapshot"] == said["run"]["snapshot"] == scene.snapshot()
    counted = scene.published(
        "select step, count(*) as rows from recon_counts where severity is not null group by step"
    )
    assert {row["step"] for row in counted} == {
        "source to raw", "raw to canonical", "canonical to ledger", "unpaid at source to ledger", "canonical to CRM"
    }  # fmt: skip
    apart = "select * from recon_counts where difference <> 0 or amount_difference <> 0"
    assert scene.published(apart) == []


def test_a_posting_without_a_document_ends_it_until_it_is_posted_elsewhere(scene: Scene) -> None:
    """A deposit out of the control account itself, entered in the ERP and read like everything else."""
    before = scene.snapshot()
    erp = Records(scene.sandbox.url("netsuite"), scene.sandbox.secret)
    number = erp.deposit(BANK, CONTROL, 42)
    assert scene.arsync("sync").code == CHECK
    refused = scene.arsync("prove", "--json")
    assert refused.code == CHECK, refused.err
    assert "assert_aging_foots_to_ledgers" in refused.err
    named = {row["business_key"]: row for row in refused.data["critical"]}
    assert named[f"erp:{number}"]["amount"] == "42.0000"
    assert named[f"erp:{number}"]["owner"] == "finance_systems"
    assert refused.data["snapshot"] is None
    assert scene.snapshot() == before, "readers keep what foots"
    scene.expect("prove", "--as-of", "2026-07-01")
    printed = scene.arsync("prove")
    assert printed.code == CHECK
    assert f"erp:{number}" in printed.out and "finance_systems" in printed.out

    erp.correct(number, CLEARING, 42)
    scene.sync()
    assert scene.expect("prove", "--json").data["holds"] is True
    (closed,) = scene.published(f"select * from recon_finding where business_key = 'erp:{number}'")
    assert closed["first_seen_at"] < closed["last_seen_at"] < closed["closed_at"]
    assert closed["times_seen"] == 3
