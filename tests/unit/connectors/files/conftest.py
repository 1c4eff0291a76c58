"""A folder of extracts made by the test, and the source that reads it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.connectors.files import CONNECTOR
from arsync_pipelines.connectors.files.options import FilesOptions
from arsync_pipelines.ports.source import Cursor, Page, Source

HEADER = "Company,Customer,Invoice No,Date,Due,Amount,Disputed,Settled\n"
COLUMNS: dict[str, Any] = {
    "invoice_id": {"template": "{Company}-{Invoice No}"},
    "number": "Invoice No",
    "customer_id": "Customer",
    "legal_entity": "Company",
    "invoice_date": "Date",
    "due_date": "Due",
    "amount": "Amount",
    "disputed": "Disputed",
    "settled_date": "Settled",
}


def line(number: int, amount: str = "55.90", settled: str = "", customer: str = "C1") -> str:
    return f"US,{customer},{number:04d},1/2/2013,2/1/2013,{amount},No,{settled}\n"


@dataclass
class Folder:
    """`drop` writes a file with a time later than the one before."""

    path: Path
    ticks: int = 0
    cursors: dict[str, Cursor | None] = field(default_factory=dict)

    def drop(self, name: str, content: str | bytes) -> Path:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        self.touch(target)
        return target

    def touch(self, target: Path) -> None:
        self.ticks += 1
        os.utime(target, (1_700_000_000 + self.ticks, 1_700_000_000 + self.ticks))

    def options(self, **changes: Any) -> FilesOptions:
        invoices = {"pattern": "*.csv", "full": True, "date_format": "%m/%d/%Y", "columns": COLUMNS}
        invoices.update(changes.pop("invoices", {}))
        return FilesOptions.model_validate({"folder": self.path, "currency": "USD", "invoices": invoices, **changes})

    def source(self, **changes: Any) -> Source:
        return CONNECTOR.source("books", self.options(**changes), str)

    def read(self, source: Source, stream: str = "invoice") -> list[Page]:
        """Read on from where the last read of the stream ended."""
        pages = list(source.read(stream, self.cursors.get(stream)))
        if pages:
            self.cursors[stream] = pages[-1].cursor
        return pages


def rows(pages: list[Page]) -> list[dict[str, Any]]:
    return [dict(row) for page in pages for row in page.rows]


def ids(pages: list[Page]) -> list[str]:
    return [row["number"] for row in rows(pages)]


def set_aside(pages: list[Page]) -> list[tuple[int, str]]:
    return [(entry["line"], entry["reason"]) for page in pages for entry in page.set_aside]


def present(pages: list[Page]) -> list[str]:
    return [key[0] for page in pages for key in page.present]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
