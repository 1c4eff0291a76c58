"""`arsync prove` as a scheduler runs it: a posting without a document ends it with 6, until it is taken back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.fixtures.acceptance import Scene
from tests.fixtures.netsuite_records import Records

pytestmark = pytest.mark.slow(shares="an installation after its first sync")

CHECK = 6
CONTROL, BANK, CLEARING = 11, 14, 15
"""Accounts of the first legal entity."""


def test_it_holds_and_says_how_old_it_is(synced: Scene) -> None:
    said = synced.expect("prove", "--json").data
    assert said["holds"] is True and said["foots"] is True and said["critical"] == []
    functional = said["tie_out_functional"]
    truth = {
        row["legal_entity"]: (Decimal(row["gl_control"]), Decimal(row["realised"]))
        for row in synced.world.truth("tieout_functional")
    }
    shown = {row["legal_entity"]: (Decimal(row["gl_control"]), Decimal(row["realised"])) for row in functional}
    assert shown == truth
    assert any(realised for _held, realised in truth.values()), "nothing was settled at another rate"
    assert {Decimal(row["difference"]) for row in functional} == {Decimal(0)}
    assert 0 <= said["age_seconds"] < 600
    assert said["snapshot"] == said["run"]["snapshot"] == synced.snapshot()
    counted = synced.published(
        "select step, count(*) as rows from recon_counts where severity is not null group by step"
    )
    assert {row["step"] for row in counted} == {
        "source to raw", "raw to canonical", "canonical to ledger", "unpaid at source to ledger", "canonical to CRM"
    }  # fmt: skip
    apart = "select * from recon_counts where difference <> 0 or amount_difference <> 0"
    assert synced.published(apart) == []


def test_a_posting_without_a_document_ends_it_until_it_is_posted_elsewhere(synced: Scene) -> None:
    """A deposit out of the control account itself, entered in the ERP and read like everything else."""
    before = synced.snapshot()
    erp = Records(synced.sandbox.url("netsuite"), synced.sandbox.secret)
    number = erp.deposit(BANK, CONTROL, 42)
    assert synced.arsync("sync").code == CHECK
    refused = synced.arsync("prove", "--json")
    assert refused.code == CHECK, refused.err
    assert "assert_aging_foots_to_ledgers" in refused.err
    named = {row["business_key"]: row for row in refused.data["critical"]}
    assert named[f"erp:{number}"]["amount"] == "42.0000"
    assert named[f"erp:{number}"]["owner"] == "finance_systems"
    assert refused.data["snapshot"] is None
    assert synced.snapshot() == before, "readers keep what foots"
    synced.expect("prove", "--as-of", "2026-07-01")
    printed = synced.arsync("prove")
    assert printed.code == CHECK
    assert f"erp:{number}" in printed.out and "finance_systems" in printed.out

    erp.correct(number, CLEARING, 42)
    synced.sync()
    assert synced.expect("prove", "--json").data["holds"] is True
    (closed,) = synced.published(f"select * from recon_finding where business_key = 'erp:{number}'")
    assert closed["first_seen_at"] < closed["last_seen_at"] < closed["closed_at"]
    assert closed["times_seen"] == 3
