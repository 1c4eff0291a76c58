"""From source rows to canonical rows: mapping, formats, bad rows, derived customers, CSV, Excel and Parquet."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from pydantic import ValidationError

from arsync_pipelines.domain.errors import SourceContractBroken

from .conftest import COLUMNS, HEADER, Folder, ids, line, present, rows, set_aside


def test_a_row_is_normalised(folder: Folder) -> None:
    folder.drop("a.csv", HEADER + line(7, settled="1/15/2013").replace("No", "Yes"))
    assert rows(folder.read(folder.source())) == [
        {
            "invoice_id": "US-0007",
            "number": "0007",
            "customer_id": "C1",
            "legal_entity": "US",
            "invoice_date": "2013-01-02",
            "due_date": "2013-02-01",
            "amount": "55.90",
            "currency": "USD",
            "disputed": True,
            "disputed_amount": None,
            "settled_date": "2013-01-15",
            "settled_amount": "55.90",
            "file_name": "a.csv",
            "file_line": 2,
        }
    ]


def test_bad_rows_are_set_aside_with_line_and_reason_and_their_keys_are_present(folder: Folder) -> None:
    bad = [
        line(1).replace("0001", ""),
        line(2).replace("2/1/2013", "13/45/2013"),
        line(3, "abc"),
        line(4, "1.234"),
        line(5).replace(",No,", ",Perhaps,"),
        line(6).replace("1/2/2013", ""),
        "US,C1,0007,1/2/2013\n",
    ]
    folder.drop("a.csv", HEADER + line(10) + "".join(bad) + "\n" + line(10, "99") + line(11))
    pages = folder.read(folder.source())
    assert ids(pages) == ["0010", "0011"]
    assert rows(pages)[0]["amount"] == "55.90"
    assert set_aside(pages) == [
        (3, "invoice_id: is missing"),
        (4, "due_date: '13/45/2013' is not a date in the format %m/%d/%Y"),
        (5, "amount: 'abc' is not an amount (decimal separator '.')"),
        (6, "amount: 1.234 has more decimals than USD (2)"),
        (7, "disputed: 'Perhaps' is neither a true value nor a false value of the mapping"),
        (8, "invoice_date: is missing"),
        (9, "4 values for 8 columns"),
        (11, "the key 'US-0010' came before in this file; the first row counts"),
    ]
    assert present(pages) == ["US-0002", "US-0003", "US-0004", "US-0005", "US-0006", "US-0007", "US-0010"]
    assert pages[0].set_aside[1]["row"]["Due"] == "13/45/2013" and pages[0].set_aside[1]["file"] == "a.csv"


def test_unknown_currency_of_a_column(folder: Folder) -> None:
    header = HEADER.replace("\n", ",Cur\n")
    folder.drop("a.csv", header + line(1).replace("\n", ",XYZ\n") + line(2, "1000").replace("\n", ",jpy\n"))
    pages = folder.read(folder.source(invoices={"columns": {**COLUMNS, "currency": "Cur"}}))
    assert set_aside(pages) == [(2, "currency: unknown currency 'XYZ'")]
    assert [(row["currency"], row["amount"]) for row in rows(pages)] == [("JPY", "1000")]


def test_a_stray_quote_damages_its_own_line_only(folder: Folder) -> None:
    broken = line(2).replace("US,C1", 'US,"C1')
    folder.drop("a.csv", HEADER + line(1) + broken + line(3) + line(4).replace("C1", '"C,1"') + line(5))
    pages = folder.read(folder.source())
    assert ids(pages) == ["0001", "0003", "0004", "0005"]
    assert rows(pages)[2]["customer_id"] == "C,1"
    assert [entry[0] for entry in set_aside(pages)] == [3]
    assert present(pages) == ["US-0002"]
    assert [row["file_line"] for row in rows(pages)] == [2, 4, 5, 6]


def test_a_quote_never_closed_does_not_swallow_the_rest(folder: Folder) -> None:
    body = "".join(line(number) for number in range(3, 6000))
    folder.drop("a.csv", HEADER + line(1) + line(2).replace("US,C1", 'US,"C1') + body)
    pages = folder.read(folder.source())
    assert len(rows(pages)) == 5998 and present(pages) == ["US-0002"]


def test_bytes_of_another_encoding_are_set_aside_and_the_right_one_reads_them(folder: Folder) -> None:
    folder.drop("a.csv", (HEADER + line(1, customer="Müller") + line(2)).encode("cp1252"))
    pages = folder.read(folder.source())
    assert (ids(pages), set_aside(pages)) == (["0002"], [(2, "holds bytes that are not of the encoding")])
    right = folder.read(folder.source(invoices={"encoding": "cp1252"}))
    assert rows(right)[0]["customer_id"] == "Müller"


def test_an_unknown_column_is_named_with_those_that_exist(folder: Folder) -> None:
    folder.drop("a.csv", HEADER.replace("Amount", "Amount Due") + line(1))
    with pytest.raises(SourceContractBroken) as caught:
        folder.read(folder.source())
    message = str(caught.value)
    for part in ("books: a.csv", "[invoices.columns] amount", "no column 'Amount'", "mean 'Amount Due'?", "'Settled'"):
        assert part in message


def test_a_mapping_that_fits_no_row_stops_the_stream(folder: Folder) -> None:
    folder.drop("a.csv", HEADER + "".join(line(number) for number in range(1200)))
    with pytest.raises(SourceContractBroken, match="none of the first 1000 rows can be read"):
        folder.read(folder.source(invoices={"date_format": "%d.%m.%Y"}))


@pytest.mark.parametrize("content", ["", "\n\n", '"unclosed,Header\n'])
def test_a_file_without_header_is_refused(folder: Folder, content: str) -> None:
    folder.drop("a.csv", content)
    with pytest.raises(SourceContractBroken, match=r"a\.csv"):
        folder.read(folder.source())


def test_customers_come_from_invoices_where_they_have_no_extract(folder: Folder) -> None:
    folder.drop(
        "a.csv", HEADER + line(1, customer="C2") + line(2, "bad") + line(3, customer="C2") + line(4, customer="")
    )
    pages = folder.read(folder.source(customers={"columns": {"country": "Company"}}), "customer")
    found = [(row["customer_id"], row["name"], row["country"], row["currency"]) for row in rows(pages)]
    assert found == [("C2", "C2", "US", "USD"), ("C1", "C1", "US", "USD")]
    assert set_aside(pages) == [], "the invoice stream reports the row without a customer"


def test_customers_and_payments_of_their_own(folder: Folder) -> None:
    folder.drop("invoices/a.csv", HEADER + line(1))
    folder.drop("customers.tsv", "Id\tName\nC1\tAcme\n")
    folder.drop("pay.csv", "Ref;Cust;Day;Sum\nP1;C1;03.02.2013;(1.234,50)\nP2;C1;04.02.2013;1.234.567,8\n")
    source = folder.source(
        invoices={"pattern": "invoices/*.csv"},
        customers={"pattern": "customers.tsv", "full": True, "columns": {"customer_id": "Id", "name": "Name"}},
        payments={
            "pattern": "pay.csv",
            "full": False,
            "delimiter": ";",
            "decimal": ",",
            "thousands": ".",
            "date_format": "%d.%m.%Y",
            "columns": {
                "payment_id": "Ref",
                "customer_id": "Cust",
                "payment_date": "Day",
                "amount": "Sum",
                "currency": {"value": "EUR"},
            },
        },
    )
    assert [(spec.name, spec.delete_detection) for spec in source.streams()] == [
        ("customer", "full"),
        ("invoice", "full"),
        ("payment", "none"),
    ]
    assert rows(folder.read(source, "customer"))[0]["name"] == "Acme"
    paid = [(row["payment_date"], row["amount"], row["currency"]) for row in rows(folder.read(source, "payment"))]
    assert paid == [("2013-02-03", "-1234.50", "EUR"), ("2013-02-04", "1234567.80", "EUR")]


def _excel(path: Path, table: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("AR")
    for cells in table:
        sheet.append(cells)
    book.save(path)
    book.close()


def test_excel_with_real_dates_and_numbers(folder: Folder) -> None:
    header = HEADER.strip().split(",")
    _excel(
        folder.path / "a.xlsx",
        [
            header,
            ["US", "C1", "0001", datetime(2013, 1, 2), date(2013, 2, 1), 55.94, "No", None],
            [None] * 8,
            ["US", "C1", 2, "1/2/2013", "2/1/2013", 1000, False, datetime(2013, 1, 15)],
            ["US", "C1", 3, "1/2/2013", "2/1/2013", 0.1 + 0.2, False, None],
        ],
    )
    pages = folder.read(folder.source(invoices={"pattern": "*.xlsx", "sheet": "AR"}))
    assert [(row["number"], row["amount"], row["settled_date"], row["file_line"]) for row in rows(pages)] == [
        ("0001", "55.94", None, 2),
        ("2", "1000.00", "2013-01-15", 4),
        ("3", "0.30", None, 5),
    ]
    with pytest.raises(SourceContractBroken, match="no sheet 'Nope'; it has Sheet, AR"):
        folder.read(folder.source(invoices={"pattern": "*.xlsx", "sheet": "Nope"}))


def test_parquet_with_decimals_and_instants_in_the_legal_entitys_zone(folder: Folder) -> None:
    table = pyarrow.table(
        {
            "Company": ["US", "US"],
            "Customer": ["C1", "C1"],
            "Invoice No": [1, 2],
            "Date": [datetime(2013, 1, 2, 23, 30, tzinfo=UTC), datetime(2013, 1, 2, 3, tzinfo=UTC)],
            "Due": [date(2013, 2, 1), date(2013, 2, 1)],
            "Amount": [Decimal("55.94"), Decimal("1000.00")],
            "Disputed": [True, None],
            "Settled": pyarrow.array([None, None], pyarrow.date32()),
        }
    )
    pyarrow.parquet.write_table(table, folder.path / "a.parquet")
    pages = folder.read(folder.source(time_zone="Europe/Berlin", invoices={"pattern": "*.parquet"}))
    assert [(row["invoice_date"], row["amount"], row["disputed"]) for row in rows(pages)] == [
        ("2013-01-03", "55.94", True),
        ("2013-01-02", "1000.00", None),
    ]


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet", "a.json"])
def test_files_that_are_not_what_they_seem(folder: Folder, name: str) -> None:
    folder.drop(name, "nonsense")
    with pytest.raises(SourceContractBroken, match=name):
        folder.read(folder.source(invoices={"pattern": "a.*"}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_zone": "Mars/Olympus"}, "unknown time zone"),
        ({"currency": "usd"}, "unknown currency"),
        ({"nonsense": 1}, "Extra inputs"),
        ({"invoices": {"full": None}}, "full = true"),
        ({"invoices": {"pattern": ""}}, "which files"),
        ({"invoices": {"pattern": "../*.csv"}}, "inside the folder"),
        ({"invoices": {"encoding": "utf-99"}}, "unknown encoding"),
        ({"invoices": {"thousands": "."}}, "are both"),
        ({"invoices": {"columns": {**COLUMNS, "amout": "x"}}}, "unknown field 'amout'"),
        ({"invoices": {"columns": {"invoice_id": "x"}}}, "no source for customer_id, invoice_date"),
        ({"invoices": {"columns": {**COLUMNS, "number": {"template": "x"}}}}, "names no column"),
    ],
)
def test_nonsense_in_the_mapping_is_refused(folder: Folder, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        folder.options(**changes)


def test_doctor_looks_at_folder_files_columns_and_samples(folder: Folder) -> None:
    def look(**changes: Any) -> dict[str, str]:
        return {check.name: check.status for check in folder.source(**changes).check()}

    assert look() == {"folder": "ok", "customers files": "warning", "invoices files": "warning"}
    assert look(folder=folder.path / "nowhere") == {"folder": "failed"}
    folder.drop("a.csv", HEADER + line(1) + line(2))
    assert set(look().values()) == {"ok"}
    assert look(invoices={"date_format": "%d.%m.%Y"})["invoices mapping"] == "failed"
    folder.drop("b.csv", HEADER + line(1) + line(2, "x"))
    (bad,) = [check for check in folder.source().check() if check.status != "ok"]
    assert (bad.status, bad.name) == ("warning", "invoices mapping") and "line 3: amount: 'x'" in bad.detail
    folder.drop("c.csv", "A,B\n1,2\n")
    assert look()["invoices mapping"] == "failed"
