"""Builds as a job does them: only what changed, all that changed, and the same figures as a build from nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.defs.transform import build
from arsync_pipelines.defs.transform.build import graph_of
from arsync_pipelines.defs.transform.jobs import published_tables
from arsync_pipelines.defs.transform.parsed import parsed
from arsync_pipelines.domain import failpoint
from arsync_pipelines.domain.errors import CheckFailed
from arsync_pipelines.services import gate
from arsync_pipelines.services.rebuild import Built
from arsync_pipelines.settings import Settings
from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

pytestmark = pytest.mark.slow

_SECRET = {"env": "NOBODY_ASKS"}
CONNECTIONS = {
    "crm": {
        "vendor": "salesforce",
        "base_url": "https://acme.my.salesforce.com",
        "auth": {"method": "client_credentials", "client_id": _SECRET, "client_secret": _SECRET},
    },
    "erp": {
        "vendor": "netsuite",
        "account": "1234567",
        "time_zone": "UTC",
        "auth": {
            "method": "tba",
            "consumer_key": _SECRET,
            "consumer_secret": _SECRET,
            "token_id": _SECRET,
            "token_secret": _SECRET,
        },
    },
    "card": {"vendor": "stripe", "api_key": _SECRET},
}
HISTORIES = (
    "fct_receivable_item_history", "bridge_customer_history", "dim_legal_entity_history", "fct_dispute_history",
    "fct_promise_to_pay_history", "fct_dunning_history",
)  # fmt: skip
UNCOMPARED = {
    "known_at", "first_loaded_at", "valid_from", "_seq", "finding_key", "first_seen_at", "last_seen_at",
    "oldest_first_seen_at", "times_seen",
}  # fmt: skip
"""When and how often we learned something: a build from nothing learns of a correction only what it came to."""


class House:
    """A state folder with the small company in its warehouse, and builds of it."""

    def __init__(self, folder: Path, manifest: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.raw = RawWarehouse(self.platform().settings.warehouse_path)
        self.raw.path.parent.mkdir(parents=True)
        self.manifest = manifest or parsed(self.platform()).manifest

    def platform(self, as_of: date = company.AS_OF) -> Platform:
        given = {"state_dir": self.folder / "state", "as_of": as_of, "connections": CONNECTIONS}
        return Platform(Settings.model_validate(given))

    def build(self, as_of: date = company.AS_OF, fail: str = "", **how: Any) -> build.Build:
        self.raw.flush()
        platform = self.platform(as_of)
        failpoint.arm(fail)  # a platform arms what its environment says
        return build.run(platform, self.manifest, "run", **how)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Every published table row by row."""
        found = {}
        for name, rows in self.raw.tables(published_tables(self.manifest)).items():
            kept = [{c: v for c, v in row.items() if c not in UNCOMPARED} for row in rows]
            found[name] = sorted(kept, key=repr)
        # corrections leave their trace in the ledger and in the histories; what they come to must agree
        found["fct_receivable_event"] = self.raw.rows(
            "select document_id, business_date, currency, sum(amount) as amount from fct_receivable_event "
            "group by all having sum(amount) <> 0 order by all"
        )
        for name in HISTORIES:
            found[name] = self.raw.rows(
                f"select columns(c -> c not in ('known_at', 'known_until') and c not like '%version_id') from {name} "
                "where known_until > timestamp '9999-01-01' order by all"
            )
        found["recon_finding"] = [row for row in found["recon_finding"] if row["closed_at"] is None]
        for name in ("ar_ledger_item", "ar_ledger_line", "ar_aging_daily", "ar_dispute_aging", "ar_run_daily"):
            del found[name]
        return found


def built(done: build.Build) -> set[str]:
    """Names of the models, seeds and tests that ran."""
    return {node_id.split(".")[2] for node_id, what in done.nodes.items() if not isinstance(what, Built)}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    made = House(Path(tmp_path_factory.mktemp("house")))
    made.raw.create(company.AS_OF)
    company.write(made.raw)
    assert not made.build().error
    return made


def from_nothing(house: House, tmp_path: Path, as_of: date = company.AS_OF) -> dict[str, list[dict[str, Any]]]:
    """What a build of the same raw rows in an empty warehouse shows."""
    fresh = House(tmp_path / "fresh", house.manifest)
    fresh.raw.path.write_bytes(house.raw.path.read_bytes())
    fresh.raw.drop_all_made()
    looks_at_rows = [i for i in graph_of(fresh.manifest).nodes if not i.startswith("unit_test.")]
    assert not fresh.build(as_of, chosen=looks_at_rows).error
    return fresh.tables()


def assert_same(ours: dict[str, list[dict[str, Any]]], fresh: dict[str, list[dict[str, Any]]]) -> None:
    """Whole, so that a failure names every table and row."""
    assert set(ours) == set(fresh)
    told = [
        f"{name} {whose}: {row}"
        for name in ours
        for whose, rows, others in (("incremental", ours[name], fresh[name]), ("from nothing", fresh[name], ours[name]))
        for row in rows
        if row not in others
    ]
    assert not told, "\n".join(told)
    assert ours == fresh


def test_nothing_new_builds_nothing(house: House) -> None:
    before = house.tables()
    done = house.build()
    assert not built(done) and not done.tests
    assert {i for i in done.nodes if i.startswith("model.")} == {
        i for i in house.manifest["nodes"] if i.startswith("model.")
    }
    assert house.tables() == before


def test_a_change_in_one_system_leaves_what_others_make(house: House, tmp_path: Path) -> None:
    books = company.Books(house.raw)
    books.document("201", "CustPymt", "2026-07-01", "5", "1", "1", "33.00")
    books.link("95", "201", "33.00")
    done = house.build()
    assert not done.error
    ran = built(done)
    assert {"stg_netsuite__transaction", "fct_invoice", "ar_customer_rollup", "sync_salesforce__invoice"} <= ran
    assert {"assert_aging_foots_to_ledgers", "assert_items_sum_to_documents"} <= ran
    assert not ran & {"stg_stripe__charge", "int_customer_record", "dim_customer", "iso_currency", "fct_exchange_rate"}
    assert not ran & {"int_receivable_document", "int_salesforce__invoice_desired"}, "a view stands whatever it shows"
    assert_same(house.tables(), from_nothing(house, tmp_path))


def test_the_as_of_date_moves_all_that_hangs_on_it(house: House) -> None:
    tomorrow = company.AS_OF + timedelta(days=1)
    done = house.build(tomorrow)
    assert {"dim_legal_entity", "fct_ar_aging", "fct_invoice", "ar_customer_summary"} <= built(done)
    assert "stg_netsuite__transaction" not in built(done)
    assert "fct_ar_aging" in built(house.build()), "and back"
    assert not built(house.build())


def test_everything_is_built_when_asked(house: House) -> None:
    done = house.build(everything=True)
    assert {"stg_stripe__charge", "dim_customer", "fct_invoice"} <= built(done)
    assert not [i for i in done.nodes if i.startswith("unit_test.") and not isinstance(done.nodes[i], Built)]


def test_a_chosen_model_is_built_and_what_stands_upon_it_later(house: House) -> None:
    done = house.build(chosen={"model.arsync.ar_customer_summary"})
    assert built(done) == {"ar_customer_summary"}
    ran = built(house.build())
    assert {"ar_customer_rollup", "sync_salesforce__account"} <= ran and "ar_customer_summary" not in ran
    assert not built(house.build())


def test_a_chosen_model_above_news_does_not_hide_them(house: House) -> None:
    company.Books(house.raw).document("202", "CustInvc", "2026-06-01", "5", "1", "1", "7.00", due="2026-06-02")
    house.build(chosen={"model.arsync.ar_customer_summary"})
    assert {"stg_netsuite__transaction", "ar_customer_summary"} <= built(house.build())
    (row,) = house.raw.rows("select open_amount from fct_invoice where source_id = '202'")
    assert row["open_amount"] == 7


def test_a_dropped_table_is_built_again(house: House) -> None:
    house.raw.execute("drop table ar_customer_rollup")
    ran = built(house.build())
    assert {"ar_customer_rollup", "sync_salesforce__account"} <= ran and "ar_customer_summary" not in ran


@pytest.mark.parametrize("point", ["build.struck", "build.built"])
def test_a_build_that_died_is_made_up_for(house: House, point: str) -> None:
    key = {"build.struck": "203", "build.built": "204"}[point]
    company.Books(house.raw).document(key, "CustInvc", "2026-06-01", "5", "1", "1", "9.00", due="2026-06-02")
    with pytest.raises(failpoint.FailpointRaised):
        house.build(fail=f"{point}:1:raise")
    assert {"stg_netsuite__transaction", "fct_invoice", "sync_salesforce__invoice"} <= built(house.build())
    (row,) = house.raw.rows(f"select open_amount from fct_invoice where source_id = '{key}'")
    assert row["open_amount"] == 9


def test_a_failed_test_blocks_until_it_passes(house: House) -> None:
    # an invoice whose posting to the control account is missing: the ledgers do not foot
    house.raw.add(
        "raw_netsuite__transaction", "erp", id="205", tranid="X", type="CustInvc", trandate="2026-06-01",
        duedate="2026-06-02", entity="5", subsidiary="1", status="A", currency="1", exchangerate="1",
        foreigntotal="5.00", terms="1", voided="F", isreversal="F", createddate=company.STAMP,
        lastmodifieddate=company.STAMP,
    )  # fmt: skip
    done = house.build()
    assert "assert_aging_foots_to_ledgers" in done.error
    (check,) = [t.check for t in done.tests if t.dagster_name == "assert_aging_foots_to_ledgers"]
    assert check.failing == 1 and check.sample[0]["difference"] == 5
    again = house.build()
    assert "assert_aging_foots_to_ledgers" in again.error, "nothing new, and still wrong"
    assert "fct_invoice" not in built(again)
    warehouse = house.platform().warehouse
    with warehouse.writing(), pytest.raises(CheckFailed):
        gate.require_open(warehouse)
    company.Books(house.raw).document("205", "CustInvc", "2026-06-01", "5", "1", "1", "5.00", due="2026-06-02")
    assert not house.build().error
    with warehouse.writing():
        gate.require_open(warehouse)
    assert not built(house.build())


def test_a_broken_rule_is_named_with_its_rows(house: House) -> None:
    house.raw.add(
        "raw_netsuite__transaction", "erp", id="206", tranid="X", type="CustInvc", trandate="2026-06-01",
        duedate="2026-06-02", entity="5", subsidiary="77", status="A", currency="1", exchangerate="1",
        foreigntotal="4.00", terms="1", voided="F", isreversal="F", createddate=company.STAMP,
        lastmodifieddate=company.STAMP,
    )  # fmt: skip
    done = house.build()
    assert "fct_receivable_item_holds" in done.error
    (check,) = [t.check for t in done.tests if t.dagster_name == "fct_receivable_item_holds"]
    assert check.blocks and (check.subject, check.failing) == ("fct_receivable_item", 1)
    assert check.detail == "legal_entity_id is unknown"
    assert check.sample == [{"rule": "legal_entity_id is unknown", "row_count": 1, "some_values": "erp:77"}]
    company.Books(house.raw).document("206", "CustInvc", "2026-06-01", "5", "1", "1", "4.00", due="2026-06-02")
    assert not house.build().error


def test_random_changes_end_as_a_build_from_nothing(house: House, tmp_path: Path) -> None:
    chance = random.Random(20260701)
    for _turn in range(3):
        for _ in range(4):
            chance.choice(CHANGES)(house.raw, chance)
        as_of = company.AS_OF + timedelta(days=chance.choice((-3, 0, 0, 2)))
        assert not house.build(as_of).error
    assert_same(house.tables(), from_nothing(house, tmp_path, as_of))


def _invoice(raw: RawWarehouse, chance: random.Random) -> str:
    key, day = str(chance.randrange(1000, 9000)), date(2026, 6, 1) + timedelta(days=chance.randrange(40))
    company.Books(raw).document(
        key, "CustInvc", str(day), "1", "1", "1", f"{chance.randrange(1, 900)}.50", due=str(day + timedelta(days=9)),
        disputed=chance.choice((None, "3.00")),
    )  # fmt: skip
    return key


def _paid_invoice(raw: RawWarehouse, chance: random.Random) -> None:
    key, payment = _invoice(raw, chance), str(chance.randrange(10_000, 90_000))
    company.Books(raw).document(payment, "CustPymt", "2026-06-30", "1", "1", "1", "0.50")
    company.Books(raw).link(key, payment, "0.50", deleted=chance.random() < 0.3)


def _corrected(raw: RawWarehouse, chance: random.Random) -> None:
    company.Books(raw).document(
        "90", "CustInvc", "2026-06-01", "4", "3", "4", f"{chance.randrange(1, 99)}.125", due="2026-07-31"
    )


def _deleted(raw: RawWarehouse, chance: random.Random) -> None:
    raw.add(
        "raw_netsuite__deleted_record",
        "erp",
        type="CustInvc",
        recordid=_invoice(raw, chance),
        deleteddate=company.STAMP,
    )


def _renamed_account(raw: RawWarehouse, chance: random.Random) -> None:
    company.account(raw, "001B", tax="811569869", country="DE", ar__open_balance=f"{chance.randrange(9)}.00")


def _moved_account(raw: RawWarehouse, chance: random.Random) -> None:
    company.account(raw, "001F", erp=chance.choice((None, "C0005", "C0003")))


def _shown_invoice(raw: RawWarehouse, chance: random.Random) -> None:
    raw.add(
        "raw_salesforce__ar_invoice", "crm", id="a" + chance.choice("12"), is_deleted=False, external_id="erp:95",
        account_id="001A", currency="USD", total_amount="33.00", status="open",
        open_amount=f"{chance.randrange(40)}.00",
    )  # fmt: skip


CHANGES: list[Callable[[RawWarehouse, random.Random], Any]] = [
    _invoice, _paid_invoice, _corrected, _deleted, _renamed_account, _moved_account, _shown_invoice,
]  # fmt: skip
