"""What no source may do, whatever its connector believes: repeat a page, or return rows without getting further."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.ports.source import Page, Row, StreamSpec


class ProgressGuard:
    """Looks at every page of one read, in order."""

    def __init__(self, connection: str, spec: StreamSpec) -> None:
        self._where = f"{connection}.{spec.name}"
        self._incremental = spec.cursor is not None
        self._rows: Sequence[Row] = ()
        self._cursors: set[bytes] = set()

    def check(self, page: Page) -> None:
        """Raises SourceContractBroken when the page cannot be progress.

        A cursor that returns to where it was, with rows, would be a read without end: a filter ignored by the server,
        or a cursor coarser than its data.
        """
        if not page.rows:
            return
        if self._rows and page.rows == self._rows:
            raise SourceContractBroken(
                f"{self._where}: a page of {len(page.rows)} rows came twice in a row; the source ignores its paging. "
                "What was read before is kept; check the stream's filter and order"
            )
        self._rows = page.rows
        if not self._incremental:
            return
        cursor = orjson.dumps(dict(page.cursor), option=orjson.OPT_SORT_KEYS, default=str)
        if cursor in self._cursors:
            raise SourceContractBroken(
                f"{self._where}: a page of {len(page.rows)} rows did not move the cursor ({cursor.decode()}); the "
                "filter is ignored, or the cursor is coarser than the data. What was read before is kept"
            )
        self._cursors.add(cursor)
