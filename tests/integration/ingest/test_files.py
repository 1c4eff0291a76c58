"""A folder of extracts through ingest into a real warehouse: what moves, what stays, what is set aside."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from arsync_pipelines.connectors.files import CONNECTOR
from arsync_pipelines.ports.source import Source
from tests.integration.ingest.conftest import Bench


def _source(folder: Path) -> Source:
    columns = {
        "invoice_id": "No",
        "customer_id": "Customer",
        "invoice_date": "Date",
        "due_date": "Date",
        "amount": "Amount",
    }
    options = {"folder": folder, "currency": "USD", "invoices": {"pattern": "*.csv", "full": True, "columns": columns}}
    return CONNECTOR.source("books", CONNECTOR.options.model_validate(options), str)


def _drop(folder: Path, name: str, lines: Sequence[str]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("No,Customer,Date,Amount\n" + "".join(lines))
    later = 1_700_000_000 + len(list(folder.iterdir()))
    os.utime(folder / name, (later, later))


def test_changed_removed_and_broken_rows_move_exactly_those(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "extracts"
    lines = [f"I{number},C{number % 7},2026-01-05,{number}.00\n" for number in range(60)]
    _drop(folder, "a.csv", lines)
    first = bench.service().run(_source(folder))
    assert [(stats.stream, stats.rows_new) for stats in first] == [("customer", 7), ("invoice", 60)]
    again = bench.service().run(_source(folder))
    assert [(stats.rows_read, stats.rows_new, stats.rows_deleted) for stats in again] == [(0, 0, 0)] * 2
    changed = [line.replace(".00", ".50") if number < 10 else line for number, line in enumerate(lines)]
    changed[20] = changed[20].replace("2026-01-05", "2026-13-05")
    changed[21] = changed[21].replace("21.00", "twenty")
    _drop(folder, "b.csv", [*changed[:30], *changed[34:]])
    _, invoices = bench.service().run(_source(folder), ["customer", "invoice"])
    assert (invoices.rows_new, invoices.rows_deleted, invoices.rows_set_aside) == (10, 4, 2)
    gone = bench.query("select invoice_id from raw_files__invoice where _is_deleted order by 1")
    assert [row["invoice_id"] for row in gone] == ["I30", "I31", "I32", "I33"]
    kept = bench.query(
        "select amount, _is_deleted from raw_files__invoice where invoice_id in ('I20', 'I21') order by 1"
    )
    assert [(row["amount"], row["_is_deleted"]) for row in kept] == [("20.00", False), ("21.00", False)]
    aside = bench.query("select file, line, reason from raw_arsync__set_aside order by line")
    assert [(row["file"], row["line"]) for row in aside] == [("b.csv", 22), ("b.csv", 23)]
    assert bench.service().run(_source(folder))[1].rows_read == 0
