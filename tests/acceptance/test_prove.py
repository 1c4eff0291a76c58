"""`arsync prove` as a scheduler runs it: a posting without a document ends it with 6, until it is taken back."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from tests.fixtures.acceptance import Scene

pytestmark = pytest.mark.slow

CHECK = 6
STAMP = "2026-06-30 10:00:00"


@pytest.fixture(scope="module")
def scene(fresh: Scene) -> Scene:
    fresh.sync()
    return fresh


def plant(scene: Scene, table: str, **values: Any) -> None:
    """One more version of a record in raw, as a load leaves it."""
    with duckdb.connect(str(scene.platform().settings.warehouse_path)) as db:
        db.execute("update _arsync_seq set last_seq = last_seq + 1")
        (seq,) = db.execute("select last_seq from _arsync_seq").fetchall()[0]
        row = {
            **values, "_connection": "erp", "_batch_id": "planted", "_seq": seq, "_loaded_at": STAMP,
            "_is_deleted": values.get("_is_deleted", False), "_row_hash": seq,
        }  # fmt: skip
        names, marks = ", ".join(row), ", ".join("?" for _ in row)
        db.execute(f"insert into raw_netsuite__{table} ({names}) values ({marks})", list(row.values()))


def control_account(scene: Scene) -> tuple[str, str, str]:
    """A control account with a subsidiary and a currency that post to it."""
    with duckdb.connect(str(scene.platform().settings.warehouse_path), read_only=True) as db:
        found = db.execute(
            "select line.account_id, txn.subsidiary_id, txn.currency_id from int_netsuite__ar_line as line "
            "join stg_netsuite__transaction as txn using (document_id) where line.currency = 'USD' limit 1"
        ).fetchone()
    assert found is not None
    return found[0], found[1], found[2]


def deposit(scene: Scene, deleted: bool = False) -> None:
    """42.00 posted straight to a control account, by no document of receivables; or its removal."""
    account, subsidiary, currency = control_account(scene)
    of = {"transaction": "990905", "transaction_lastmodified": STAMP, "_is_deleted": deleted}
    plant(
        scene, "transaction", id="990905", tranid="DEP-905", type="Deposit", trandate="2026-06-03",
        subsidiary=subsidiary, currency=currency, exchangerate="1", foreigntotal="42.00", voided="F", isreversal="F",
        createddate=STAMP, lastmodifieddate=STAMP, _is_deleted=deleted,
    )  # fmt: skip
    plant(scene, "transaction_line", id="0", mainline="T", foreignamount="42", subsidiary=subsidiary, **of)
    plant(
        scene, "transaction_accounting_line", transactionline="0", account=account, amount="42", posting="T", **of
    )  # fmt: skip


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


def test_a_posting_without_a_document_ends_it_until_it_is_taken_back(scene: Scene) -> None:
    before = scene.snapshot()
    deposit(scene)
    refused = scene.arsync("prove", "--json")
    assert refused.code == CHECK, refused.err
    assert "assert_aging_foots_to_ledgers" in refused.err
    named = {row["business_key"]: row for row in refused.data["critical"]}
    assert named["erp:990905"]["amount"] == "42.0000"
    assert named["erp:990905"]["owner"] == "finance_systems"
    assert refused.data["snapshot"] is None
    assert scene.snapshot() == before, "readers keep what foots"
    scene.expect("prove", "--as-of", "2026-07-01")
    printed = scene.arsync("prove")
    assert printed.code == CHECK
    assert "erp:990905" in printed.out and "finance_systems" in printed.out

    deposit(scene, deleted=True)
    assert scene.expect("prove", "--json").data["holds"] is True
    (closed,) = scene.published("select * from recon_finding where business_key = 'erp:990905'")
    assert closed["first_seen_at"] < closed["last_seen_at"] < closed["closed_at"]
    assert closed["times_seen"] == 2
