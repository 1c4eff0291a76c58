"""Rows of one extract, streamed: CSV, Excel or Parquet, with the line each came from.

A damaged CSV record is set aside one physical line at a time: what a stray quote swallowed behind it is read again.
Meaning (columns, dates, amounts) is not known here.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from zipfile import BadZipFile

import openpyxl
import pyarrow
import pyarrow.parquet
from openpyxl.utils.exceptions import InvalidFileException

from arsync_pipelines.connectors.files.options import EntityOptions
from arsync_pipelines.connectors.files.values import Cell
from arsync_pipelines.domain.errors import SourceContractBroken

CSV, EXCEL, PARQUET = (".csv", ".tsv", ".txt"), (".xlsx", ".xlsm"), (".parquet",)


@dataclass(frozen=True, slots=True)
class Record:
    """`line` counts from 1, header included (rows for Parquet). `problem`: why the row's shape is wrong, or ""."""

    line: int
    cells: tuple[Cell, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    records: Iterator[Record]


@contextmanager
def open_table(path: Path, options: EntityOptions) -> Iterator[Table]:
    """The table of one file. Raises SourceContractBroken when it cannot be one: no header, no such sheet, damaged."""
    suffix = path.suffix.lower()
    if suffix in CSV:
        delimiter = options.delimiter or ("\t" if suffix == ".tsv" else ",")
        with path.open(encoding=options.encoding, errors="surrogateescape", newline="") as file:
            yield _csv(path.name, file, delimiter)
    elif suffix in EXCEL:
        yield from _excel(path, options.sheet)
    elif suffix in PARQUET:
        yield from _parquet(path)
    else:
        known = ", ".join((*CSV, *EXCEL, *PARQUET))
        raise SourceContractBroken(f"{path.name}: not a kind of extract that can be read ({known}); narrow the pattern")


class _Lines:
    """Physical lines with their number; those of the record under way can be given back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._returned: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._file)
        self.number += 1
        self.taken.append(line)
        return line

    def give_back_all_but_first(self) -> None:
        rest = self.taken[1:]
        self._returned.extendleft(reversed(rest))
        self.number -= len(rest)


def _csv(name: str, file: TextIO, delimiter: str) -> Table:
    lines = _Lines(file)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next((cells for cells in reader if any(cells)), None)
    except csv.Error as error:
        raise SourceContractBroken(
            f"{name}: line {lines.number}: the header is not readable as CSV: {error}"
        ) from error
    if header is None:
        raise SourceContractBroken(f"{name}: the file is empty; an extract begins with a line of column names")
    return Table(tuple(cell.strip() for cell in header), _csv_records(lines, reader, len(header), delimiter))


def _csv_records(lines: _Lines, reader: Iterator[list[str]], width: int, delimiter: str) -> Iterator[Record]:
    while True:
        lines.taken.clear()
        first, problem = lines.number + 1, ""
        cells: list[str] = []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"not readable as CSV: {error}"
        if not problem and not any(cells):
            continue
        if not problem and len(cells) != width and any(cells[width:]) | (len(cells) < width):
            problem = f"{len(cells)} values for {width} columns"
        if problem:
            damaged = lines.taken[0]
            lines.give_back_all_but_first()
            yield Record(first, _leniently(damaged, delimiter, width), problem)
        elif _undecoded(cells):
            yield Record(first, tuple(map(_printable, cells[:width])), "holds bytes that are not of the encoding")
        else:
            yield Record(first, tuple(cells[:width]))


def _leniently(line: str, delimiter: str, width: int) -> tuple[Cell, ...]:
    """The values of a damaged line as far as they go, so that its key may still be told."""
    cells = next(csv.reader(io.StringIO(line.replace('"', "")), delimiter=delimiter), [])[:width]
    return (*map(_printable, cells), *(None for _ in range(width - len(cells))))


def _undecoded(cells: list[str]) -> bool:
    joined = "".join(cells)
    return not joined.isascii() and any("\udc80" <= letter <= "\udcff" for letter in joined)


def _printable(cell: str) -> str:
    return cell.encode("utf-8", "replace").decode()


def _excel(path: Path, sheet: str) -> Iterator[Table]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as error:
        raise SourceContractBroken(f"{path.name}: not readable as an Excel workbook: {error}") from error
    try:
        if sheet and sheet not in book.sheetnames:
            raise SourceContractBroken(f"{path.name}: no sheet {sheet!r}; it has {', '.join(book.sheetnames)}")
        rows = enumerate(book[sheet or book.sheetnames[0]].iter_rows(values_only=True), 1)
        header = next((cells for _, cells in rows if any(cell is not None for cell in cells)), None)
        if header is None:
            raise SourceContractBroken(f"{path.name}: the sheet is empty; it begins with a row of column names")
        columns = tuple(str(cell).strip() if cell is not None else "" for cell in header)
        yield Table(columns, _excel_records(rows, len(columns)))
    finally:
        book.close()


def _excel_records(rows: Iterator[tuple[int, tuple[object, ...]]], width: int) -> Iterator[Record]:
    for line, values in rows:
        if all(value is None for value in values):
            continue
        cells = tuple(value if isinstance(value, Cell) else str(value) for value in values[:width])
        yield Record(line, (*cells, *(None for _ in range(width - len(cells)))))


def _parquet(path: Path) -> Iterator[Table]:
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise SourceContractBroken(f"{path.name}: not readable as Parquet: {error}") from error
    with file:
        yield Table(tuple(file.schema_arrow.names), _parquet_records(file))


def _parquet_records(file: pyarrow.parquet.ParquetFile) -> Iterator[Record]:
    line = 0
    for batch in file.iter_batches(batch_size=2000):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            line += 1
            yield Record(line, tuple(value if isinstance(value, Cell) else str(value) for value in values))
