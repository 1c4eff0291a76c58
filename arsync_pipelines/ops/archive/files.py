"""Files of the archive: a row per line as JSON, compressed, and beside each file its manifest. Written once, synced
before anybody relies on them, never changed."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Table

from arsync_pipelines.domain.durable import sync, write_synced
from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.ops.audit.chain import AuditRow, canonical, instant_text
from arsync_pipelines.ops.tables.base import Instant
from arsync_pipelines.ops.tables.cases import Money

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of the archive and the rows that stand in it. `rows`: by table; `states`: of the first table's rows.

    `first_seq`, `last_seq` and the hashes are of the audit alone; else None and "".
    """

    segment_id: int
    kind: str
    rows: Mapping[str, int]
    states: Mapping[str, int]
    first_id: str
    last_id: str
    first_seq: int | None
    last_seq: int | None
    previous_hash: str
    last_hash: str
    from_at: datetime
    to_at: datetime
    file: str
    sha256: str
    at: datetime

    @property
    def told(self) -> dict[str, Any]:
        """What the audit is told of it."""
        return {
            "of": self.kind, "rows": dict(self.rows), "states": dict(self.states), "first": self.first_id,
            "last": self.last_id, "previous_hash": self.previous_hash, "last_hash": self.last_hash,
            "file": self.file, "sha256": self.sha256,
        }  # fmt: skip

    @property
    def manifest(self) -> str:
        """The text of its manifest."""
        instants = {n: instant_text(getattr(self, n)) for n in ("from_at", "to_at", "at")}
        return canonical({"format": FORMAT, "segment": self.segment_id, **self.told, **instants}) + "\n"


def packed(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> bytes:
    """(table, row) as a compressed file; the same rows give the same bytes."""
    plain = ({"table": str(table)} | {str(name): value for name, value in row.items()} for table, row in rows)
    lines = b"".join(orjson.dumps(row, _plain, orjson.OPT_PASSTHROUGH_DATETIME) + b"\n" for row in plain)
    return gzip.compress(lines, 6, mtime=0)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} cannot be archived")


def name_of(segment_id: int, kind: str, content: bytes) -> str:
    """Name of a file; it holds its content's hash, so that two that differ never take each other's place."""
    return f"{segment_id:06d}-{kind}-{hashlib.sha256(content).hexdigest()[:16]}.ndjson.gz"


def write(folder: Path, segment: Segment, content: bytes) -> None:
    """Write file and manifest; both stand on the disk when it returns. Raises OpsStoreError when they cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in ((segment.file, content), (manifest_of(segment.file), segment.manifest.encode())):
            fresh = folder / f".{name}.new"
            write_synced(fresh, data)
            fresh.replace(folder / name)
        sync(folder)
    except OSError as error:
        raise OpsStoreError(
            f"the archive {folder} cannot be written: {error.strerror}. Nothing was removed from the store; make room "
            "or correct its permissions and run `arsync archive` again."
        ) from error


def manifest_of(file: str) -> str:
    """Name of the manifest of a file."""
    return file.removesuffix(".ndjson.gz") + ".json"


def problem(folder: Path, segment: Segment) -> str:
    """What is wrong with a file or its manifest, naming it; "" when both are as they were written."""
    try:
        content = (folder / segment.file).read_bytes()
    except FileNotFoundError:
        return f"{segment.file} is missing from the archive"
    except OSError as error:
        return f"{segment.file} cannot be read: {error.strerror}"
    if hashlib.sha256(content).hexdigest() != segment.sha256:
        return f"{segment.file} is not the file that was archived: its content was changed"
    manifest = manifest_of(segment.file)
    try:
        text = (folder / manifest).read_text(encoding="utf-8")
    except FileNotFoundError:
        return f"{manifest} is missing from the archive"
    except (OSError, UnicodeDecodeError):
        return f"{manifest} cannot be read"
    return "" if text == segment.manifest else f"{manifest} is not the manifest that was written: it was changed"


def lines(folder: Path, segment: Segment) -> list[bytes]:
    """Lines of a file. Raises OSError where it is missing, broken or cut short."""
    try:
        return gzip.decompress((folder / segment.file).read_bytes()).splitlines()
    except (EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise OSError(f"{segment.file} is broken: {error}") from error


def audit_rows(folder: Path, segment: Segment) -> Iterator[AuditRow]:
    """Rows of the chain, as they were. Raises OSError or ValueError for what is no such file."""
    for line in lines(folder, segment):
        values = orjson.loads(line)
        if not isinstance(values, dict) or values.pop("table", None) != "audit_event":
            raise ValueError(f"{segment.file} holds a line that is no row of the audit")
        try:
            yield AuditRow(**{**values, "at": datetime.fromisoformat(values["at"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"{segment.file} holds a line that is no row of the audit") from error


def restored(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the store would give it."""
    row = dict(values)
    for column in table.columns:
        value = row.get(column.name)
        if value is not None and isinstance(column.type, Instant):
            row[column.name] = datetime.fromisoformat(value)
        elif value is not None and isinstance(column.type, Money):
            row[column.name] = Decimal(value)
    return row
