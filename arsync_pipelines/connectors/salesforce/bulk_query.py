"""Large first reads through a Bulk API 2.0 query job: result pages as rows shaped like those of the REST query.

CSV knows only text: blanks become None, the booleans a stream declares become booleans again, and moments get the REST
form, so that a row hashes alike whichever way it came.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from arsync_pipelines.connectors.http import RequestRejected
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.domain.errors import SourceContractBroken, SourceUnreachable
from arsync_pipelines.ports.source import StreamSpec

PAGE_ROWS = 10_000
"""Rows per result page: about 5 MB of accounts."""

_END = "null"
_TERMINAL = {"JobComplete", "Failed", "Aborted"}


@dataclass(frozen=True, slots=True)
class BulkPage:
    """Rows of one result page and the locator of the next, "" at the end."""

    rows: list[dict[str, Any]]
    locator: str


@dataclass(frozen=True, slots=True)
class BulkReader:
    """Reads `columns` (API names, in order) of one stream by jobs. `sleep` waits between looks at a job, in seconds."""

    api: SalesforceApi
    spec: StreamSpec
    columns: Sequence[str]
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]

    def start(self, soql: str) -> str:
        """Create a queryAll job; its id. A repeated creation costs an unread job and nothing else."""
        body = {"operation": "queryAll", "query": soql, "columnDelimiter": "COMMA", "lineEnding": "LF"}
        response = self.api.http.request("POST", self.api.path("/jobs/query"), json=body, safe=True)
        return str(self.api.http.decode(response)["id"])

    def wait(self, job: str) -> None:
        """Until the job is complete. Raises SourceContractBroken when it failed, SourceUnreachable past the limit."""
        started, pause = self.monotonic(), 0.5
        while True:
            info = self.api.http.get_json(self.api.path(f"/jobs/query/{job}"))
            state = str(info.get("state"))
            if state == "JobComplete":
                return
            if state in _TERMINAL:
                raise SourceContractBroken(
                    f"connection {self.api.connection!r}: bulk query {job} of {self.spec.name} ended {state}: "
                    f"{info.get('errorMessage') or 'no reason given'}"
                )
            if self.monotonic() - started > self.api.options.bulk_timeout_s:
                raise SourceUnreachable(
                    f"connection {self.api.connection!r}: bulk query {job} of {self.spec.name} is still {state} after "
                    f"{self.api.options.bulk_timeout_s:.0f} s; raise bulk_timeout_s or read again later"
                )
            self.sleep(pause)
            pause = min(pause * 1.5, 10.0)

    def pages(self, job: str, locator: str = "") -> Iterator[BulkPage]:
        """Result pages from `locator` on. Raises JobGone when the org no longer keeps the job (7 days)."""
        while True:
            params: dict[str, Any] = {"maxRecords": PAGE_ROWS, **({"locator": locator} if locator else {})}
            path = self.api.path(f"/jobs/query/{job}/results")
            try:
                response = self.api.http.request("GET", path, params=params, headers={"Accept": "text/csv"})
            except RequestRejected as error:
                if error.error.status in {400, 404, 409, 410}:
                    raise JobGone(str(error), error.error) from error
                raise
            following = response.headers.get("sforce-locator", _END)
            rows = self._rows(response.content.decode("utf-8-sig"))
            told = int(response.headers.get("sforce-numberofrecords", len(rows)))
            if told != len(rows):
                raise SourceContractBroken(
                    f"connection {self.api.connection!r}: bulk query {job} announced {told} rows and sent {len(rows)}"
                )
            if following == locator:
                raise SourceContractBroken(f"connection {self.api.connection!r}: bulk query {job} does not move on")
            locator = "" if following in {"", _END} else following
            yield BulkPage(rows, locator)
            if not locator:
                return

    def _rows(self, text: str) -> list[dict[str, Any]]:
        """Rows of one page. A page without a header of its own has the columns in the order they were asked for."""
        lines = list(csv.reader(io.StringIO(text, newline="")))
        header = lines.pop(0) if lines and set(lines[0]) == set(self.columns) else list(self.columns)
        if any(len(line) != len(header) for line in lines):
            raise SourceContractBroken(
                f"connection {self.api.connection!r}: a bulk result of {self.spec.name} has not the columns asked for"
            )
        booleans = {f.source for f in self.spec.fields if f.kind == "boolean"}
        return [{n: _value(n, cell, booleans) for n, cell in zip(header, line, strict=True)} for line in lines]


class JobGone(RequestRejected):
    """The org no longer keeps a query job or its locator; the read starts again."""


def _value(name: str, cell: str, booleans: set[str]) -> Any:
    if name in booleans:
        return cell == "true"
    if len(cell) == 24 and cell.endswith("Z") and cell[10] == "T":
        return cell[:-1] + "+0000"
    return cell or None
