"""What no source may do, whatever its connector believes: bring a page that it brought before in the same read."""

from __future__ import annotations

from collections.abc import Sequence

from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.ports.source import Page, RenderedRows, Row, StreamSpec


class ProgressGuard:
    """Looks at every page of one read, in order; keeps one number per page.

    A cursor that stands still proves nothing: within the overlap, and beyond the newest change known when the read
    began, it must. Rows tell: a page whose every row, key and cursor value alike, came before is a read without end.
    """

    def __init__(self, connection: str, spec: StreamSpec) -> None:
        self._where = f"{connection}.{spec.name}"
        told = {*spec.primary_key, spec.cursor.field} if spec.cursor else set(spec.primary_key)
        self._paths = [field.source.split(".") for field in spec.fields if field.name in told]
        self._seen: set[int] = set()

    def check(self, page: Page) -> None:
        """Raises SourceContractBroken when the page came before."""
        if not page.rows:
            return
        told = hash(page.rows.lines) if isinstance(page.rows, RenderedRows) else self._told(page.rows)
        if told in self._seen:
            raise SourceContractBroken(
                f"{self._where}: a page of {len(page.rows)} rows came twice in one read; the source ignores its filter "
                "or its paging, or its cursor is coarser than its data. What was read before is kept; run "
                "`arsync doctor` and see what sits between us and the source"
            )
        self._seen.add(told)

    def _told(self, rows: Sequence[Row]) -> int:
        return hash(tuple(str(_dig(row, path)) for row in rows for path in self._paths))


def _dig(row: Row, path: list[str]) -> object:
    value: object = row
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
