"""A folder of extracts as a source: arrivals in, pages of canonical rows out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zipfile import BadZipFile

import pyarrow

from arsync_pipelines.connectors.files import arrivals
from arsync_pipelines.connectors.files.arrivals import Arrival, Progress
from arsync_pipelines.connectors.files.check import check_connection
from arsync_pipelines.connectors.files.mapping import Mapping
from arsync_pipelines.connectors.files.options import EntityOptions, FilesOptions
from arsync_pipelines.connectors.files.spec import STREAM_ENTITY, STREAMS, Entity, for_extracts
from arsync_pipelines.connectors.files.tables import Record, open_table
from arsync_pipelines.connectors.files.values import BadValue, text
from arsync_pipelines.domain.errors import ConfigError, SourceContractBroken
from arsync_pipelines.domain.secret import Reveal
from arsync_pipelines.ports.source import ConnectionCheck, Cursor, Page, StreamSpec

_UNREADABLE = (OSError, UnicodeError, BadZipFile, pyarrow.ArrowException)
_HOPELESS_AFTER = 1000
"""Rows set aside from the start of a file, without one good among them, that make the mapping the suspect."""


class FilesSource:
    """Reads one folder. A stream without news yields no page at all, so nothing is concluded from its silence."""

    system = "files"

    def __init__(self, connection: str, options: FilesOptions, reveal: Reveal) -> None:
        del reveal  # a folder has no secrets
        self._connection = connection
        self._options = options

    @property
    def connection(self) -> str:
        return self._connection

    def streams(self) -> Sequence[StreamSpec]:
        entities = self._options.entities()
        return [
            for_extracts(spec, full=bool(entities[STREAM_ENTITY[spec.name]].full))
            for spec in STREAMS
            if STREAM_ENTITY[spec.name] in entities
        ]

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        """Pages of the files that arrived after `cursor`; with `since` (deltas only) of all that arrived since then.

        Rows that cannot be understood are set aside with file, line and reason; their keys are named as present.
        Raises SourceContractBroken for a file that does not fit its mapping, or that changed while it was read.
        """
        entity, options = self._entity(stream)
        progress = Progress(cursor, self._fingerprint(entity, options))
        files = arrivals.matching(self._options.folder, options.pattern)
        if options.full:
            news = progress.news(files, full=True)
            yield from self._read_full(entity, options, progress, news)
        elif since is not None:
            again = [arrivals.hashed(arrival) for arrival in files if arrival.arrived_at >= since]
            yield from self._read_deltas(entity, options, progress, again)
        else:
            yield from self._read_deltas(entity, options, progress, progress.news(files, full=False))

    def has_changes(self, stream: str, cursor: Cursor | None) -> bool:
        entity, options = self._entity(stream)
        progress = Progress(cursor, self._fingerprint(entity, options))
        return bool(progress.news(arrivals.matching(self._options.folder, options.pattern), full=bool(options.full)))

    def unread(self, streams: Sequence[str]) -> dict[str, list[str]]:
        """Columns of the newest file of each kind that its mapping does not name."""
        found: dict[str, list[str]] = {}
        for stream in streams:
            entity, options = self._entity(stream)
            files = arrivals.matching(self._options.folder, options.pattern)
            if files and not (entity == "customers" and self._options.derives_customers):
                try:
                    with open_table(files[-1].path, options) as table:
                        found[stream] = [column for column in table.columns if column not in options.named]
                except _UNREADABLE as error:
                    raise SourceContractBroken(f"{self._connection}: {files[-1].name}: damaged: {error}") from error
        return found

    def check(self) -> Sequence[ConnectionCheck]:
        return check_connection(self._connection, self._options)

    def _entity(self, stream: str) -> tuple[Entity, EntityOptions]:
        entity = STREAM_ENTITY.get(stream)
        options = self._options.entities().get(entity) if entity else None
        if entity is None or options is None:
            raise ConfigError(f"{self._connection}: there is no stream {stream!r}; map it in [{self._connection}]")
        return entity, options

    def _fingerprint(self, entity: Entity, options: EntityOptions) -> str:
        """Of everything that decides what a file's rows become."""
        settings = f"{entity} {self._options.time_zone} {self._options.currency} {options.model_dump_json()}"
        return hashlib.sha256(settings.encode()).hexdigest()[:16]

    def _read_full(
        self, entity: Entity, options: EntityOptions, progress: Progress, news: list[Arrival]
    ) -> Iterator[Page]:
        if not news:
            return
        before, newest = progress.cursor(), news[-1]
        for page in self._pages(entity, options, newest, before):
            if page.final:
                progress.applied(news, newest)
                yield Page(page.rows, progress.cursor(), final=True, set_aside=page.set_aside, present=page.present)
            else:
                yield page

    def _read_deltas(
        self, entity: Entity, options: EntityOptions, progress: Progress, news: list[Arrival]
    ) -> Iterator[Page]:
        for arrival in news:
            before = progress.cursor()
            for page in self._pages(entity, options, arrival, before):
                after = before
                if page.final:
                    progress.applied([arrival], arrival)
                    after = progress.cursor()
                last = page.final and arrival is news[-1]
                yield Page(page.rows, after, final=last, set_aside=page.set_aside, present=page.present)

    def _pages(self, entity: Entity, options: EntityOptions, arrival: Arrival, cursor: Cursor) -> Iterator[Page]:
        """Pages of one file, all with `cursor`; the last one is final."""
        derived = entity == "customers" and self._options.derives_customers
        where = f"{self._connection}: {arrival.name}"
        try:
            with open_table(arrival.path, options) as table:
                mapping = Mapping(where, entity, self._options, table.columns, entity_options=options)
                reader = _FileReader(mapping, arrival.name, table.columns, derived=derived)
                for record in table.records:
                    reader.take(record)
                    if len(reader.rows) + len(reader.set_aside) >= STREAMS[0].page_size:
                        yield reader.page(cursor, final=False)
                    if reader.hopeless:
                        raise SourceContractBroken(
                            f"{where}: none of the first {_HOPELESS_AFTER} rows can be read, the last because of "
                            f"{reader.last_reason!r}; correct [connections.{self._connection}.{entity}]"
                        )
        except _UNREADABLE as error:
            raise SourceContractBroken(
                f"{where}: damaged, or not in the encoding {options.encoding}: {error}"
            ) from error
        if not arrival.still_the_same():
            raise SourceContractBroken(f"{where}: the file changed while it was read; run again when it is complete")
        yield reader.page(cursor, final=True)


class _FileReader:
    """Collects the rows of one file: good ones, those set aside, and keys already met."""

    def __init__(self, mapping: Mapping, name: str, columns: Sequence[str], *, derived: bool) -> None:
        self._mapping = mapping
        self._name = name
        self._columns = columns
        self._derived = derived
        self._seen: set[tuple[str]] = set()
        self._any_good = False
        self._bad = 0
        self.last_reason = ""
        self.rows: list[dict[str, Any]] = []
        self.set_aside: list[dict[str, Any]] = []
        self._present: list[tuple[str]] = []

    @property
    def hopeless(self) -> bool:
        return not self._any_good and self._bad >= _HOPELESS_AFTER

    def take(self, record: Record) -> None:
        key = self._mapping.key(record.cells)
        if self._derived and (key is None or key in self._seen):
            return
        try:
            if record.problem:
                raise BadValue(record.problem)
            row = self._mapping.row(record.cells)
            if key in self._seen:
                raise BadValue(f"the key {key[0] if key else ''!r} came before in this file; the first row counts")
        except BadValue as error:
            self._refuse(record, key, str(error))
            return
        if key is not None:
            self._seen.add(key)
        self._any_good = True
        self.rows.append({**row, "file_name": self._name, "file_line": record.line})

    def _refuse(self, record: Record, key: tuple[str] | None, reason: str) -> None:
        if key is not None:
            self._present.append(key)
        if self._derived:
            return
        self._bad += 1
        self.last_reason = reason
        shown = {column: text(cell) for column, cell in zip(self._columns, record.cells, strict=False)}
        told = {"file": self._name, "line": record.line, "reason": reason, "row": shown}
        self.set_aside.append(told | ({"key": list(key)} if key is not None else {}))

    def page(self, cursor: Cursor, *, final: bool) -> Page:
        """What was collected since the last page."""
        page = Page(self.rows, cursor, final=final, set_aside=self.set_aside, present=self._present)
        self.rows, self.set_aside, self._present = [], [], []
        return page
