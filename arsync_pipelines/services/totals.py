"""Control totals: what a source counts and sums by itself, asked before its streams are read and again after.

Where both say the same, the source stood still meanwhile, and raw must hold exactly that; where they differ business
went on, and nothing can be concluded. Comparing them with raw is recon_counts' work. No read fails because of a total.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from arsync_pipelines.domain.errors import SourceError
from arsync_pipelines.ports.clock import Clock
from arsync_pipelines.ports.source import ControlTotal, ReadStats, Source, Totalling
from arsync_pipelines.ports.warehouse import Warehouse

TABLE = "raw_arsync__total"
COLUMNS = {
    "connection": "varchar",
    "stream": "varchar",
    "object": "varchar",
    "currency": "varchar",
    "row_count": "bigint",
    "amount": "varchar",
    "stood_still": "boolean",
    "taken_at": "timestamp",
}


class TotalsTaken:
    """Totals around one read of some streams of a source. What was known of them before is forgotten by `begin`."""

    def __init__(self, warehouse: Warehouse, source: Source, streams: Sequence[str], clock: Clock) -> None:
        self._warehouse = warehouse
        self._source = source
        self._streams = streams
        self._clock = clock
        self._before: frozenset[ControlTotal] = frozenset()
        self._whole = set(streams)
        """Streams of which raw holds all there is once they are read."""
        self._trouble = ""

    def begin(self, since: datetime | None = None) -> None:
        """Forget the last totals of the streams and take them anew. Inside no transaction, before the read.

        In a read that begins at `since` (aware) a stream has none, for raw need not hold what came before, unless its
        last ones were taken after that instant: what was read to its end then and what is read now leave no gap.
        """
        if not isinstance(self._source, Totalling):
            return
        with self._warehouse.writing():
            if since is not None:
                first = since.astimezone(UTC).replace(tzinfo=None)
                mine = filter(self._is_mine, self._warehouse.query(f"select * from {TABLE}"))
                self._whole = {row["stream"] for row in mine if row["taken_at"] >= first}
            self._replace([])
        if self._whole:
            self._before = self._take(self._source)

    def end(self, stats: Sequence[ReadStats]) -> list[ReadStats]:
        """Take them again and keep those of the streams that were read to their end; a warning where none came."""
        ended = {one.stream for one in stats} & self._whole
        if self._before and ended and isinstance(self._source, Totalling):
            now = self._take(self._source)
            still = {stream for stream in ended if _of(stream, now) == _of(stream, self._before)}
            with self._warehouse.writing():
                self._replace([self._row(total, still) for total in sorted(now, key=repr) if total.stream in ended])
        if not self._trouble or not stats:
            return list(stats)
        told = f"{self._source.connection}: no control totals this time, so nothing is compared with them: "
        return [replace(stats[0], warnings=(*stats[0].warnings, told + self._trouble)), *stats[1:]]

    def _take(self, source: Totalling) -> frozenset[ControlTotal]:
        try:
            return frozenset(source.totals(self._streams))
        except SourceError as error:
            self._trouble = str(error)
            return frozenset()

    def _row(self, total: ControlTotal, still: Collection[str]) -> tuple[object, ...]:
        at = self._clock.now().astimezone(UTC).replace(tzinfo=None)
        named = (self._source.connection, total.stream, total.object, total.currency)
        return (*named, total.rows, total.amount, total.stream in still, at)

    def _replace(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Rows of the streams of this read in place of those that were there; other rows stay."""
        others = [
            tuple(row[column] for column in COLUMNS)
            for row in self._warehouse.query(f"select * from {TABLE}")
            if not self._is_mine(row)
        ]
        self._warehouse.replace_table(TABLE, COLUMNS, [*others, *rows])

    def _is_mine(self, row: Mapping[str, Any]) -> bool:
        return row["connection"] == self._source.connection and row["stream"] in self._streams


def _of(stream: str, totals: Collection[ControlTotal]) -> set[ControlTotal]:
    return {total for total in totals if total.stream == stream}
