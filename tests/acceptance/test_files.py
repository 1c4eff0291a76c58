"""An extract as the ERP: aging by bucket and customer equals plain arithmetic over the file, in warehouse and CRM.

The tests of this module share one installation and build upon each other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY
from tests.fixtures.acceptance import Scene, create_accounts, crm, installation
from tests.fixtures.acceptance_extract import (
    AS_OF,
    BUCKETS,
    CONFIGURATION,
    Row,
    bucket_of,
    direct_aging,
    invoice_key,
    make_rows,
    parsed,
    read_rows,
    write_rows,
    written,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A Salesforce org whose accounts carry the customer numbers of the extract, and the folder of extracts."""
    folder = tmp_path_factory.mktemp("books") / "installation"
    with installation(folder, customers=10, invoices=20, vendors=("salesforce",)) as scene:
        extracts = folder / "extracts"
        extracts.mkdir()
        write_rows(extracts / "first.csv", make_rows())
        open_books(scene, extracts, sorted({row["customerID"] for row in read_rows(extracts / "first.csv")}))
        yield scene


def open_books(scene: Scene, extracts: Path, customers: list[str]) -> None:
    """Configure the folder as the ERP and create an account per customer."""
    (scene.sandbox.secrets_dir / "salesforce_client_id").write_text(CONSUMER_KEY, encoding="utf-8")
    text = CONFIGURATION.format(
        state=scene.state,
        secrets=scene.sandbox.secrets_dir,
        extracts=extracts,
        salesforce=scene.sandbox.url("salesforce"),
    )
    scene.config.write_text(text, encoding="utf-8")
    scene.prepare()
    create_accounts(scene, customers)


def published_aging(scene: Scene) -> dict[str, dict[str, Decimal]]:
    """Open amounts by customer and bucket as the published summary has them; unapplied cash must be none."""
    rows = scene.published("select * from ar_customer_summary")
    assert all(row["unapplied_amount"] == 0 for row in rows)
    return {row["erp_customer_number"]: {b: row[f"{b}_amount"] for b in BUCKETS} for row in rows}


def crm_aging(scene: Scene) -> dict[str, dict[str, Decimal]]:
    """The same from the accounts in Salesforce."""
    return {
        row["erp_customer_id"]: {bucket: Decimal(str(row[bucket] or 0)) for bucket in BUCKETS}
        for row in crm(scene, "account")
        if row["open_balance"] is not None
    }


def difference(ours: dict[str, dict[str, Decimal]], direct: dict[str, dict[str, Decimal]]) -> Decimal:
    """Sum of absolute differences over all customers and buckets."""
    none = dict.fromkeys(BUCKETS, Decimal(0))
    return sum(
        (
            abs(ours.get(customer, none)[bucket] - direct.get(customer, none)[bucket])
            for customer in ours.keys() | direct.keys()
            for bucket in BUCKETS
        ),
        Decimal(0),
    )


@pytest.mark.parametrize("day", AS_OF, ids=str)
def test_aging_equals_direct_computation(scene: Scene, day: date) -> None:
    report = scene.sync("--as-of", day.isoformat())
    rows = read_rows(scene.folder / "extracts" / "first.csv")
    direct = direct_aging(rows, day)
    assert sum(sum(buckets.values()) for buckets in direct.values()) > 0
    assert difference(published_aging(scene), direct) == 0
    assert difference(crm_aging(scene), direct) == 0
    read = report["ingest"]["raw_files__invoice"]
    assert (read["rows_new"], read["rows_set_aside"]) == ((len(rows), 0) if day == AS_OF[0] else (0, 0))
    balances = {row["erp_customer_id"]: Decimal(str(row["open_balance"])) for row in crm(scene, "ar_account_balance")}
    assert {name: sum(direct[name].values()) for name in balances} == balances


def test_a_new_file_moves_exactly_what_it_changes(scene: Scene) -> None:
    day = AS_OF[-1]
    rows = read_rows(scene.folder / "extracts" / "first.csv")
    before = shown_invoices(rows, day)
    changed, removed, broken = rows[:100], rows[100:110], rows[110:115]
    good, bad = alter(changed), spoil(broken)
    target = scene.folder / "extracts" / "second.csv"
    write_rows(target, good + bad + rows[115:])
    os.utime(target, (target.stat().st_mtime + 10,) * 2)
    journal = scene.journal_end()

    report = scene.sync("--as-of", day.isoformat())
    read = report["ingest"]["raw_files__invoice"]
    assert (read["rows_new"], read["rows_deleted"], read["rows_set_aside"]) == (100, 10, 5)

    valid = good + broken + rows[115:]  # of a row that cannot be read the last good version stays
    direct = direct_aging(valid, day)
    assert difference(published_aging(scene), direct) == 0
    assert difference(crm_aging(scene), direct) == 0
    after = shown_invoices(valid, day)
    gone = {invoice_key(row) for row in removed}
    moved = {f"books:{key}" for key in before if key in gone or before[key] != after.get(key)}
    sent = {entry["key"] for entry in scene.writes(journal) if entry["object"] == "AR_Invoice__c"}
    assert sent == moved
    removed_now = [row for row in crm(scene, "ar_invoice") if row["external_id"] in {f"books:{key}" for key in gone}]
    assert {(row["status"], Decimal(str(row["open_amount"]))) for row in removed_now} == {("void", Decimal(0))}


def shown_invoices(rows: list[Row], day: date) -> dict[str, tuple[Any, ...]]:
    """What the record of each invoice dated until `day` says, as far as the file decides it."""
    return {
        invoice_key(row): (row["DueDate"], Decimal(row["InvoiceAmount"]), row["Disputed"], bucket_of(row, day))
        for row in rows
        if parsed(row["InvoiceDate"]) <= day
    }


def alter(rows: list[Row]) -> list[Row]:
    """A third with another amount, a third with another due date, a third settled on another day."""
    altered = []
    for number, row in enumerate(rows):
        change = (
            {"InvoiceAmount": f"{Decimal(row['InvoiceAmount']) + 1:f}"},
            {"DueDate": row["InvoiceDate"]},
            {"SettledDate": written(date(2014, 1, 15))},
        )[number % 3]
        altered.append({**row, **change})
    return altered


def spoil(rows: list[Row]) -> list[Row]:
    kinds = (
        {"InvoiceAmount": "12,3x"},
        {"DueDate": "31/31/2013"},
        {"InvoiceDate": ""},
        {"SettledDate": "soon"},
        {"InvoiceAmount": "1.234"},
    )
    return [{**row, **kind} for row, kind in zip(rows, kinds, strict=True)]
