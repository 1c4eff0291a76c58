"""Days of business on a stored world: it always foots, is repeatable, and survives being interrupted."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from arsync_pipelines.sandbox.core.world.events import EventRefused
from arsync_pipelines.sandbox.core.world.generator import Size
from arsync_pipelines.sandbox.core.world.records import Delta, Invoice
from arsync_pipelines.sandbox.core.world.truth import Truth
from arsync_pipelines.sandbox.core.world.world import FILE_NAME, World

NOW = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
ONE_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeded")
    world = World(folder)
    for _ in world.seed(Size(11, 60, 600)):
        pass
    world.seeding_done()
    world.store.close()
    return folder


@pytest.fixture
def world(seeded: Path, tmp_path: Path) -> World:
    shutil.copy(seeded / FILE_NAME, tmp_path / FILE_NAME)
    return World(tmp_path)


def live(world: World, days: int) -> list[Delta]:
    deltas = []
    for day in range(days):
        deltas.append(world.day(NOW + day * ONE_DAY))
        world.projected()
    return deltas


def test_after_every_day_the_books_foot(world: World) -> None:
    for day in range(40):
        world.day(NOW + day * ONE_DAY)
        truth = Truth(world.store, (NOW + (day + 1) * ONE_DAY).date())
        assert {float(row["difference"]) for row in truth.tieout} == {0.0}
        for row in truth.balances:
            buckets = [float(row[name]) for name in row if name == "current" or name.startswith("days_")]
            assert round(sum(buckets) + float(row["unapplied"]), 2) == float(row["open_balance"])
    world.store.close()


def test_the_open_items_kept_beside_the_books_are_right(world: World) -> None:
    live(world, 20)
    queries = ("select * from open_item order by 1", "select * from open_credit order by 1, 2")
    kept = [world.store.rows(query) for query in queries]
    world.store.finish()
    assert kept == [world.store.rows(query) for query in queries]
    world.store.close()


def test_the_same_days_happen_again_from_the_same_seed(seeded: Path, tmp_path: Path) -> None:
    histories = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shutil.copy(seeded / FILE_NAME, tmp_path / name / FILE_NAME)
        world = World(tmp_path / name)
        histories.append(live(world, 5))
        world.store.close()
    assert histories[0] == histories[1]


def test_weeks_bring_every_kind_of_event(world: World) -> None:
    deltas = live(world, 30)
    for name in ("invoices", "payments", "credit_memos", "journals", "customer_refunds", "deletions", "payouts"):
        assert any(getattr(delta, name) for delta in deltas), name
    assert {journal.kind for delta in deltas for journal in delta.journals} == {"void", "write_off"}
    assert any(account.merged_into for delta in deltas for account in delta.crm_accounts)
    assert any(invoice.disputed_amount for delta in deltas for invoice in delta.invoices)
    world.store.close()


def test_a_days_stamps_lie_after_the_time_already_shown(world: World) -> None:
    for day in range(5):
        shown = NOW + day * ONE_DAY
        delta = world.day(shown)
        for name in ("invoices", "payments", "applications", "crm_accounts", "erp_customers", "parties"):
            for record in getattr(delta, name):
                assert shown < record.updated_at < shown + ONE_DAY, name
    world.store.close()


def test_a_changed_document_is_in_the_delta_whole_and_once(world: World) -> None:
    for delta in live(world, 10):
        ids = [invoice.id for invoice in delta.invoices]
        assert len(set(ids)) == len(ids)
        assert {item.invoice_id for item in delta.applications} <= set(ids)
        for kind, records in (("payment", delta.payments), ("credit_memo", delta.credit_memos)):
            own = {record.id for record in records}
            assert {item.source_id for item in delta.applications if item.source_type == kind} <= own
    world.store.close()


def test_what_a_killed_process_left_is_handed_out_again(world: World, tmp_path: Path) -> None:
    delta = world.day(NOW)
    again = World(tmp_path).pending()
    assert again is not None
    for name in ("invoices", "payments", "applications", "journals", "crm_accounts", "deletions"):
        key = "record_id" if name == "deletions" else "id"
        assert sorted(getattr(item, key) for item in getattr(again, name)) == sorted(
            getattr(item, key) for item in getattr(delta, name)
        )
    world.projected()
    assert world.pending() is None
    world.store.close()


@pytest.mark.parametrize(("kind", "status"), [("void", "void"), ("pay", "paid"), ("credit", "paid")])
def test_a_fact_on_demand_clears_the_invoice(world: World, kind: str, status: str) -> None:
    _, invoice = world.event(kind, None, None, NOW)
    (row,) = (row for row in Truth(world.store, NOW.date()).invoices if row["world_id"] == invoice.id)
    assert (row["status"], float(row["open_amount"])) == (status, 0.0)
    world.store.close()


def test_a_fact_that_cannot_be_is_refused_and_changes_nothing(world: World) -> None:
    paid = world.store.rows("select number from invoices where id not in (select invoice_id from open_item) limit 1")
    before = world.store.all(Invoice)
    with pytest.raises(EventRefused, match="is not open"):
        world.event("pay", paid[0][0], None, NOW)
    with pytest.raises(EventRefused, match="unknown event"):
        world.event("frame", None, None, NOW)
    with pytest.raises(EventRefused, match="cannot be applied"):
        world.event("credit", None, 10**12, NOW)
    assert world.store.all(Invoice) == before
    world.store.close()


def test_a_share_of_a_day_is_dated_today_and_stamped_now(world: World) -> None:
    delta = world.stretch(NOW - timedelta(hours=12), NOW)
    made = [invoice for invoice in delta.invoices if invoice.created_at >= NOW]
    assert made
    assert {invoice.invoice_date for invoice in made} == {NOW.date()}
    assert {invoice.updated_at for invoice in made} == {NOW + timedelta(seconds=1)}
    world.store.close()
