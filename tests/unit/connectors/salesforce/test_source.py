"""The source over a scripted org: keyset, overlap, locators, bulk, and what it refuses to believe."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.salesforce.source import SalesforceSource
from arsync_pipelines.connectors.salesforce.spec import streams
from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.ports.source import Page, Source

from .org import Org, error, soql

T0 = datetime(2026, 7, 1, 6, tzinfo=UTC)


def record(n: int, minutes: float = 0, deleted: bool = False) -> dict[str, Any]:
    stamp = (T0 + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    body = {f.source: None for f in SPECS["user"].fields}
    return {"attributes": {"type": "User"}, **body, "Id": f"005{n:015d}", "SystemModstamp": stamp, "IsActive": True}


SPECS = {s.name: s for s in streams()}


class Table(Org):
    """One object's records, answered in the order of (SystemModstamp, Id), `size` a page, filters obeyed."""

    def __init__(self, records: Iterable[dict[str, Any]], size: int = 2) -> None:
        super().__init__(self.answer)
        self.records = sorted(records, key=lambda r: (r["SystemModstamp"], r["Id"]))
        self.size = size
        self.obey = True
        self.expired = 0
        self.matches: list[dict[str, Any]] = []
        self.queries: list[str] = []
        self.serve = self.page

    def answer(self, request: httpx.Request) -> httpx.Response | None:
        text = soql(request)
        if not text:
            start = int(request.url.path.rpartition("-")[2])
            if self.expired:
                self.expired -= 1
                return error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
            return self.serve(start)
        assert request.url.path.endswith("/queryAll")
        if "LIMIT 1" in text:
            return httpx.Response(200, json={"totalSize": 1, "done": True, "records": self.records[-1:]})
        if "COUNT()" in text:
            return httpx.Response(200, json={"totalSize": len(self.records), "done": True, "records": []})
        self.queries.append(text)
        limit = int(text.rpartition("LIMIT ")[2])
        self.matches = [r for r in self.records if not self.obey or self.passes(r, text)][:limit]
        return self.serve(0)

    def passes(self, row: dict[str, Any], text: str) -> bool:
        if "WHERE" not in text:
            return True
        bound = text.split("SystemModstamp >= ")[1].split(maxsplit=1)[0]
        stamp = row["SystemModstamp"].replace("+0000", "Z")
        after = text.split("Id > '")[1].split("'", maxsplit=1)[0] if "Id > '" in text else ""
        return bool(stamp > bound or (stamp == bound and row["Id"] > after))

    def page(self, start: int) -> httpx.Response:
        rows = [dict(r) for r in self.matches[start : start + self.size]]
        done = start + self.size >= len(self.matches)
        body = {"totalSize": len(self.matches), "done": done, "records": rows}
        if not done:
            body["nextRecordsUrl"] = f"/services/data/v66.0/query/01g-{start + self.size}"
        return httpx.Response(200, json=body)


def source(org: Org, **options: Any) -> SalesforceSource:
    return SalesforceSource(org.api(**options), sleep=lambda s: None)


def ids(pages: Iterable[Page]) -> list[int]:
    return [int(row["Id"][3:]) for page in pages for row in page.rows]


def test_a_first_read_follows_locators_and_each_cursor_resumes() -> None:
    org = Table(record(n, n) for n in range(5))
    made = source(org)
    assert isinstance(made, Source)
    pages = list(made.read("user", None))
    assert ids(pages) == [0, 1, 2, 3, 4]
    assert [p.final for p in pages] == [False, False, True]
    assert pages[0].cursor == {"at": "2026-07-01T06:01:00+00:00", "id": "005000000000000001"}
    assert "attributes" not in pages[0].rows[0]
    assert org.requests[2].headers["Sforce-Query-Options"] == "batchSize=2000"


def test_the_next_read_takes_the_overlap_and_the_cursor_never_goes_back() -> None:
    org = Table(record(n, n * 4) for n in range(6))
    last = list(source(org).read("user", None))[-1].cursor
    pages = list(source(org).read("user", last))
    assert ids(pages) == [3, 4, 5]
    assert {tuple(p.cursor.items()) for p in pages} == {tuple(last.items())}


def test_an_empty_object_and_an_empty_org_end_well() -> None:
    pages = list(source(Table([])).read("user", None))
    assert [(p.rows, p.cursor, p.final) for p in pages] == [((), {}, True)]


def test_since_starts_a_backfill_there() -> None:
    org = Table(record(n, n) for n in range(6))
    assert ids(source(org).read("user", None, since=T0 + timedelta(minutes=4))) == [4, 5]


def test_a_forgotten_locator_is_replaced_by_the_keyset() -> None:
    org = Table(record(n, n // 3) for n in range(7))
    org.expired = 1
    assert ids(source(org).read("user", None)) == list(range(7))
    assert "Id > '005000000000000001'" in org.queries[1]


def test_locators_that_never_hold_are_done_without() -> None:
    org = Table((record(n, n // 3) for n in range(20)), size=1)
    org.expired = 99
    assert ids(source(org).read("user", None)) == list(range(20))


def test_windows_are_read_without_locators_and_nothing_shifts_when_a_record_leaves() -> None:
    org = Table((record(n, n) for n in range(900)), size=2000)
    pages = source(org, page_size=200).read("user", None)
    seen = ids([next(pages)])
    org.records = [r for r in org.records if r["Id"] != record(5)["Id"]] + [record(5, 5000)]
    seen += ids(pages)
    assert sorted(set(seen)) == list(range(900))
    assert all(request.url.path.endswith("/queryAll") for request in org.requests)


def test_a_read_ends_though_records_keep_changing() -> None:
    org = Table((record(n, n) for n in range(450)), size=2000)
    pages = source(org, page_size=200).read("user", None)
    for count, _ in enumerate(pages):
        org.records = org.records[200:] + [record(n, 1000 + count) for n in range(200)]
        assert count < 9


def test_ignored_order_is_noticed() -> None:
    org = Table(record(n, n) for n in range(4))
    inner = org.page

    def unordered(start: int) -> httpx.Response:
        org.matches.reverse()
        return inner(start)

    org.serve = unordered
    with pytest.raises(SourceContractBroken, match="unordered"):
        list(source(org).read("user", None))


def test_a_record_that_moves_while_we_read_does_not_move_the_cursor() -> None:
    org = Table(record(n, n) for n in range(4))
    pages = source(org).read("user", None)
    moved = record(1, 99)
    inner = org.page
    org.serve = lambda start: (org.matches.__setitem__(1, moved) if start == 0 else None) or inner(start)
    first = next(pages)
    assert first.rows[1]["SystemModstamp"] > "2026-07-01T07"
    assert first.cursor["id"] == "005000000000000000"


def test_an_ignored_filter_is_noticed() -> None:
    org = Table(record(n, n * 20) for n in range(6))
    last = list(source(org).read("user", None))[-1].cursor
    org.obey = False
    with pytest.raises(SourceContractBroken, match="filter was ignored"):
        list(source(org).read("user", last))


def test_a_page_without_news_is_noticed() -> None:
    org = Table(record(n, n) for n in range(6))
    inner = org.page
    org.serve = lambda start: inner(0)
    with pytest.raises(SourceContractBroken, match="brought nothing new"):
        list(source(org).read("user", None))


def test_short_pages_before_the_end_are_no_end() -> None:
    org = Table((record(n, n) for n in range(9)), size=1)
    assert len(ids(source(org).read("user", None))) == 9


def test_a_missing_object_or_field_says_what_to_do() -> None:
    org = Org(lambda r: error(400, "INVALID_FIELD", "No such column 'AR_Open_Balance__c' on entity 'Account'"))
    with pytest.raises(SourceContractBroken, match=r"AR_Open_Balance__c.*arsync init"):
        list(source(org).read("account", None))
    with pytest.raises(SourceContractBroken, match="known: account"):
        list(source(org).read("leads", None))


def test_news_is_seen_by_one_cheap_request() -> None:
    org = Table(record(n, n) for n in range(3))
    last = list(source(org).read("user", None))[-1].cursor
    org.requests.clear()
    assert not source(org).has_changes("user", last)
    assert len(org.requests) == 1
    org.records.append(record(9, 50))
    assert source(org).has_changes("user", last)
    assert source(org).has_changes("user", None)


def test_an_object_without_records_is_no_news_once_it_was_read() -> None:
    org = Table([])
    last = list(source(org).read("user", None))[-1].cursor
    assert not source(org).has_changes("user", last)
    org.records.append(record(1, 1))
    assert source(org).has_changes("user", last)


class BulkTable(Table):
    """A Table that also runs query jobs, two rows a result page; only the first page has a header."""

    gone = False

    def answer(self, request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if path.endswith("/jobs/query"):
            return httpx.Response(200, json={"id": "750", "state": "UploadComplete"})
        if path.endswith("/jobs/query/750"):
            return httpx.Response(200, json={"id": "750", "state": "JobComplete"})
        if path.endswith("/results"):
            if self.gone:
                return error(404, "NOT_FOUND")
            return self.results(int(request.url.params.get("locator", "0")))
        return super().answer(request)

    def results(self, start: int) -> httpx.Response:
        names = [f.source for f in SPECS["user"].fields]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        if start == 0:
            writer.writerow(names)
        part = self.records[start : start + 2]
        for row in part:
            cells = {**row, "SystemModstamp": row["SystemModstamp"].replace("+0000", "Z"), "IsActive": "true"}
            writer.writerow([cells[n] or "" for n in names])
        end = start + 2 >= len(self.records)
        headers = {"Sforce-Locator": "null" if end else str(start + 2), "Sforce-NumberOfRecords": str(len(part))}
        return httpx.Response(200, text=out.getvalue(), headers=headers)


def test_a_large_first_read_goes_by_bulk_and_rows_look_like_those_of_rest() -> None:
    org = BulkTable(record(n, n) for n in range(5))
    by_rest = [r for p in source(org).read("user", None) for r in p.rows]
    pages = list(source(org, bulk_read_rows=4).read("user", None))
    assert [r for p in pages for r in p.rows] == by_rest
    assert pages[-1].cursor == {"at": "2026-07-01T06:04:00+00:00", "id": "005000000000000004"}


def test_a_bulk_read_resumes_at_its_page_and_starts_over_when_the_job_is_gone() -> None:
    org = BulkTable(record(n, n) for n in range(5))
    pages = list(source(org, bulk_read_rows=4).read("user", None))
    assert ids(source(org, bulk_read_rows=4).read("user", pages[0].cursor)) == [2, 3, 4]
    org.gone = True
    assert ids(source(org).read("user", pages[0].cursor)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("value", ["USD 12.50", "1.234,50", "", "true"])
def test_a_number_that_became_a_text_is_named_with_its_stream(value: str) -> None:
    org = Table({**record(n), "Saldo__c": None if n else value} for n in range(3))
    made = source(org, mapping={"account": {"open_balance": "Saldo__c"}})
    with pytest.raises(SourceContractBroken, match=r"stream account: column ar__open_balance \(Saldo__c\)"):
        list(made.read("account", None))


def test_numbers_in_every_form_that_an_org_sends_are_numbers() -> None:
    shown: list[Any] = [0, -12, 1234567.89, 1e-7, 1e22, None]
    org = Table({**record(n), "AR_Open_Balance__c": value} for n, value in enumerate(shown))
    assert len(ids(source(org).read("account", None))) == len(shown)


def test_mapped_names_are_read_and_land_under_the_same_columns() -> None:
    mapping = {"account": {"open_balance": "Saldo__c"}, "objects": {"invoice": "Rechnung__c"}}
    made = source(Table([]), mapping=mapping)
    account = next(s for s in made.streams() if s.name == "account")
    assert {f.name: f.source for f in account.fields}["ar__open_balance"] == "Saldo__c"
    assert [f.name for f in account.fields] == [f.name for f in SPECS["account"].fields]
    org = Table([])
    list(source(org, mapping=mapping).read("ar_invoice", None))
    assert "FROM Rechnung__c" in soql(org.requests[0])
