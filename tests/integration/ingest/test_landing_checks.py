"""What landed against its suite, and the gate behind it: bad rows block until they are good, gone, or allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.domain.errors import CheckFailed
from arsync_pipelines.services import gate
from arsync_pipelines.services.landing_checks import WATERMARKS, LandingChecks
from tests.integration.ingest.conftest import Bench
from tests.integration.ingest.shop import DOCUMENT, TERM, Shop

AMOUNT = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "amount", "regex": r"^\d+\.\d\d$"}}
KEYED = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}}


@dataclass
class House:
    """A shop that is read, its suites, and the gate."""

    bench: Bench
    shop: Shop

    @property
    def suites(self) -> Path:
        return self.bench.folder / "expectations"

    def expect(self, stream: str, *expectations: object) -> None:
        path = self.suites / "landing" / "shop" / f"{stream}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"name": stream, "meta": {"notes": "x"}, "expectations": expectations}))

    def ingest(self, slice_rows: int = 50_000) -> list[CheckResult]:
        """Read, look at what landed, record it: what an ingest asset does. Results of all streams."""
        self.bench.service().run(self.shop)
        checks = LandingChecks(self.bench.warehouse, self.suites, slice_rows)
        with self.bench.warehouse.writing():
            found = checks.run((TERM, DOCUMENT), "run")
        return [result for results in found.values() for result in results]

    def is_open(self) -> bool:
        with self.bench.warehouse.writing():
            try:
                gate.require_open(self.bench.warehouse)
            except CheckFailed:
                return False
            return True


@pytest.fixture
def house(bench: Bench) -> House:
    house = House(bench, Shop(terms={"t1": "net 30"}))
    house.expect("document", AMOUNT)
    name = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "name", "regex": "^net "}}
    house.expect("term", name)
    return house


def test_a_bad_row_blocks_until_a_newer_version_is_good(house: House) -> None:
    house.shop.sell(2)
    house.shop.change("d2", "two")
    (bad,) = [r for r in house.ingest() if r.blocks]
    assert (bad.subject, bad.checked, bad.failing) == ("raw_shop__document", 2, 1)
    assert bad.sample == [{"_connection": "shop_eu", "id": "d2", "amount": "two"}]
    house.ingest()
    assert not house.is_open(), "nothing new, and still wrong"
    house.shop.change("d2", "2.00")
    house.ingest()
    assert house.is_open()
    assert house.ingest() == [], "nothing landed since it passed"


def test_a_bad_row_that_is_deleted_at_its_source_blocks_no_more(house: House) -> None:
    house.shop.terms = {"t2": "on demand"}
    house.ingest()
    assert not house.is_open()
    house.shop.terms = {}
    assert [r.name for r in house.ingest()] == ["nothing_current"]
    assert house.is_open()


def test_an_expectation_that_is_given_up_blocks_no_more(house: House) -> None:
    house.shop.sell(1)
    house.shop.change("d1", "one")
    house.ingest()
    assert not house.is_open()
    house.expect("document", KEYED)
    house.ingest()
    assert house.is_open()


def test_a_suite_that_is_given_up_blocks_no_more(house: House) -> None:
    house.shop.terms = {"t2": "on demand"}
    house.ingest()
    assert not house.is_open()
    (house.suites / "landing" / "shop" / "term.json").unlink()
    house.ingest()
    assert house.is_open()


def test_only_the_newest_version_of_a_row_is_looked_at_however_the_load_is_cut(house: House) -> None:
    house.shop.sell(7)
    for number in (1, 2, 3):
        house.shop.change(f"d{number}", "bad")
    house.ingest()
    assert not house.is_open()
    for number in (1, 2, 3):
        house.shop.change(f"d{number}", f"{number}.50")
    for document in range(4, 8):
        house.shop.change(f"d{document}", "9.00")
    results = {r.subject: r for r in house.ingest(slice_rows=3)}
    assert results["raw_shop__document"].checked == 7
    assert house.is_open()


def test_a_kill_before_the_watermark_moves_leaves_no_old_failure_at_the_gate(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.shop.sell(1)
    house.shop.change("d1", "one")
    house.ingest()
    house.shop.change("d1", "1.00")
    store = house.bench.warehouse.replace_table

    def killed(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        if table == WATERMARKS:
            raise KeyboardInterrupt
        store(table, columns, rows)

    monkeypatch.setattr(house.bench.warehouse, "replace_table", killed)
    with pytest.raises(KeyboardInterrupt):
        house.ingest()
    monkeypatch.undo()
    assert house.is_open()
    assert [r.name for r in house.ingest() if r.subject == "raw_shop__document"], "looked at again"
