"""Reading: everything once, nothing twice, rows as declared, cursors that resume, and `since`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from arsync_pipelines.ports.source import Page, Source, StreamSpec
from tests.fixtures.sources.base import Company, Key, Landed, differences

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
KINDS: dict[str, tuple[type, ...]] = {"text": (str,), "integer": (int,), "boolean": (bool,), "json": (dict, list)}


def spec_of(source: Source, stream: str) -> StreamSpec:
    return next(spec for spec in source.streams() if spec.name == stream)


def keys(spec: StreamSpec, pages: Iterable[Page]) -> list[Key]:
    """Primary keys in the order they came."""
    names = {field.name: field.source for field in spec.fields}
    return [tuple(str(row[names[column]]) for column in spec.primary_key) for page in pages for row in page.rows]


def test_a_first_read_lands_every_record_and_a_second_one_nothing_new(company: Company, landed: Landed) -> None:
    first = landed.run()
    assert {stream for stream, stats in first.items() if not stats.rows_new} <= company.quiet
    assert differences(company, landed) == {}
    for stream, stats in first.items():
        assert stats.rows_new == len(landed.current(stream)) + len(landed.tombstones(stream)), stream
    again = landed.run()
    assert {stream: stats.rows_new + stats.rows_deleted for stream, stats in again.items()} == dict.fromkeys(first, 0)
    assert [stream for stream in first if landed.source.has_changes(stream, landed.cursor(stream))] == []


def test_no_record_comes_twice_in_a_first_read(company: Company) -> None:
    source = company.source()
    for spec in source.streams():
        pages = list(source.read(spec.name, None))
        found = keys(spec, pages)
        assert len(found) == len(set(found)), spec.name
        assert [page.final for page in pages] == [False] * (len(pages) - 1) + [True], spec.name


def test_rows_are_as_declared(company: Company) -> None:
    source = company.source()
    for spec in source.streams():
        declared = {field.source: KINDS[field.kind] for field in spec.fields}
        for row in (row for page in source.read(spec.name, None) for row in page.rows):
            assert set(row) <= set(declared), spec.name
            for name, value in row.items():
                told = f"{spec.name}.{name} is {value!r}"
                assert value is None or type(value) in declared[name], told
                assert not _floats(value), told


def _floats(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(_floats(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


def test_every_cursor_is_json_and_resumes_the_read(company: Company) -> None:
    source, many = company.source(), company.many
    spec = spec_of(source, many)
    pages = list(source.read(many, None))
    assert len(pages) >= 2
    whole = set(keys(spec, pages))
    for cut in range(0, len(pages), max(1, len(pages) // 5)):
        stored = json.loads(json.dumps(pages[cut].cursor))
        rest = list(company.source().read(many, stored))
        assert set(keys(spec, [*pages[: cut + 1], *rest])) == whole, cut
        assert not pages[cut].final or len(keys(spec, rest)) < len(whole) / 2


def test_an_interrupted_read_goes_on_as_if_nothing_had_been(company: Company, landed: Landed) -> None:
    """The process ends after a page; business goes on; the next run resumes from what was committed."""
    source = company.source()
    pages = source.read(company.many, None)
    cursor = json.loads(json.dumps(next(iter(pages)).cursor))
    company.change()
    spec = spec_of(source, company.many)
    reached = set(keys(spec, source.read(company.many, cursor)))
    landed.run()
    assert differences(company, landed) == {}
    assert reached <= set(landed.current(company.many)) | landed.tombstones(company.many)


def test_since_reads_again(company: Company) -> None:
    """From long ago it is everything, whatever the cursor; full streams always are, `since` says nothing to them."""
    source = company.source()
    for spec in source.streams():
        if spec.delete_detection == "full":
            continue
        pages = list(source.read(spec.name, None))
        again = list(source.read(spec.name, pages[-1].cursor, since=LONG_AGO))
        assert set(keys(spec, again)) == set(keys(spec, pages)), spec.name


def test_since_now_reads_next_to_nothing(company: Company) -> None:
    source = company.source()
    for spec in source.streams():
        if spec.delete_detection == "full":
            continue
        everything = len(keys(spec, source.read(spec.name, None)))
        late = len(keys(spec, source.read(spec.name, None, since=datetime(2027, 1, 1, tzinfo=UTC))))
        assert late <= everything / 10, spec.name
