"""Cases are opened by what is wrong in the store and the warehouse, and close by themselves; with real ones of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.connectors.files.spec import STREAMS, for_extracts
from arsync_pipelines.connectors.registry import TAXONOMY
from arsync_pipelines.domain.cases import CaseState
from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.domain.push import FailureClass, IntentState, PushIntent
from arsync_pipelines.ops.cases.find import CaseFilter
from arsync_pipelines.ops.cases.rows import Case
from arsync_pipelines.ops.rows import Settlement
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ports.source import StreamSpec
from arsync_pipelines.services import gate
from arsync_pipelines.services.cases import CaseService
from arsync_pipelines.services.replay import ReplayService
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
from tests.contract.warehouse.batches import batch

NOW = datetime.now(UTC).replace(microsecond=0)
INVOICE = next(spec for spec in STREAMS if spec.name == "invoice")
R, A = IntentState.REJECTED, IntentState.ACKNOWLEDGED
TABLES: dict[str, dict[str, str]] = {
    "dim_customer": {"customer_id": "varchar", "name": "varchar", "country": "varchar"},
    "dim_legal_entity": {"legal_entity_id": "varchar", "country": "varchar"},
    "fct_invoice": {"invoice_id": "varchar", "number": "varchar"},
    "sync_salesforce__invoice": {
        "connection": "varchar", "business_key": "varchar", "customer_id": "varchar", "legal_entity_id": "varchar",
    },
    "recon_finding": {
        "finding_key": "varchar", "check_name": "varchar", "finding_id": "varchar", "finding": "varchar",
        "connection": "varchar", "business_key": "varchar", "customer_id": "varchar", "legal_entity_id": "varchar",
        "amount": "decimal(38, 4)", "currency": "varchar", "detail": "varchar", "owner": "varchar",
        "last_seen_at": "timestamp", "times_seen": "integer", "closed_at": "timestamp", "is_repairable": "boolean",
    },
}  # fmt: skip


class Bench:
    """A case service over a store and a warehouse of its own."""

    def __init__(self, folder: Path, *, full: bool = True) -> None:
        self.folder = folder
        self.ops: OpsStore = open_store(folder / "ops.sqlite")
        self.warehouse = DuckDbWarehouse(folder / "warehouse.duckdb", folder / "snapshots")
        self.invoice: StreamSpec = for_extracts(INVOICE, full=full)
        self.service = CaseService(
            self.ops.cases, self.warehouse, TAXONOMY, {"crm": "salesforce", "erp": "files"},
            lambda name: [self.invoice] if name == "erp" else [], lambda _name, _object: "ar_invoice",
            ReplayService(self.ops.held, folder / "locks"), self.ops.drift,
        )  # fmt: skip
        self.tables: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
        self.tables["dim_customer"] = [("c1", "Ada Ltd", "GB")]
        self.tables["dim_legal_entity"] = [("erp:1", "DE")]
        self.tables["fct_invoice"] = [("erp:97", "INV-97")]

    def publish(self, seen_at: datetime = NOW) -> None:
        """Publish `tables`, the target looked at at `seen_at`."""
        with self.warehouse.writing():
            for name, columns in TABLES.items():
                self.warehouse.replace_table(name, columns, self.tables[name])
            seen = {"read_started_at": seen_at.replace(tzinfo=None).isoformat()}
            self.warehouse.publish(list(TABLES), {"watermarks": {"crm": {"ar_invoice": seen}}})

    def refuse(self, key: str, at: datetime = NOW, code: str = "STRING_TOO_LONG", message: str = "too long") -> None:
        payload = {"number": "INV-97", "open_amount": "12.50", "currency": "EUR"}
        made = PushIntent(f"i-{key}", "crm", "invoice", key, 1, payload, {}, "001", f"f-{key}", "s1", at)
        if not self.ops.intents.latest_versions("crm", "invoice", [key]):
            self.ops.intents.add([made], at)
        self.ops.intents.claim("crm", "invoice", 10, at)
        settlement = Settlement(made.intent_id, R, "rejected", at, "", FailureClass.BUSINESS, code, message)
        self.ops.intents.settle([settlement])

    def refresh(self, minutes: float = 1) -> dict[str, int]:
        return self.service.refresh(NOW + timedelta(minutes=minutes)).events

    def cases(self, *states: CaseState) -> list[Case]:
        return self.ops.cases.find(CaseFilter(states=states))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.ops.close()


def finding(key: str = "1", **values: Any) -> tuple[Any, ...]:
    given = {
        "finding_key": f"k{key}", "check_name": "recon_document", "finding_id": f"unknown_currency:erp:{key}",
        "finding": "extra", "connection": "erp", "business_key": "erp:97", "customer_id": "c1",
        "legal_entity_id": "erp:1", "amount": Decimal("9.90"), "currency": "XXX", "detail": "currency XXX of INV-97",
        "owner": "finance_systems", "last_seen_at": NOW.replace(tzinfo=None), "times_seen": 1, "closed_at": None,
        "is_repairable": False,
    }  # fmt: skip
    return tuple((given | values).values())


def test_nothing_is_wrong_before_the_first_sync(bench: Bench) -> None:
    assert bench.refresh() == {}
    assert bench.cases() == []


def test_a_refused_change_says_what_is_at_risk_and_for_whom(bench: Bench) -> None:
    bench.tables["sync_salesforce__invoice"] = [("crm", "erp:97", "c1", "erp:1"), ("crm", "erp:98", "c1", "erp:1")]
    bench.publish()
    bench.refuse("erp:97", message="data value too large (fields AR_Number__c)")
    assert bench.refresh() == {"opened": 1}
    (case,) = bench.cases()
    assert (case.customer_name, case.region, case.legal_entity_id, case.invoice) == ("Ada Ltd", "GB", "erp:1", "INV-97")
    assert (case.amount, case.currency, case.owner) == (Decimal("12.50"), "EUR", "sales_operations")
    assert (case.field, case.code, case.failure_class) == ("AR_Number__c", "STRING_TOO_LONG", "business")
    assert (case.correlation_id, case.sla_due_at) == ("f-erp:97", NOW + timedelta(minutes=1, hours=24))
    assert bench.refresh(2) == {}


def test_a_code_that_nobody_knows_says_so(bench: Bench) -> None:
    bench.refuse("erp:97", code="FANCY_NEW_CODE")
    bench.refresh()
    (case,) = bench.cases()
    assert (case.code, case.owner) == ("FANCY_NEW_CODE", "sales_operations")
    assert "add its code to the taxonomy" in case.advice


def test_a_case_is_replayed_refused_and_at_last_accepted(bench: Bench) -> None:
    bench.refuse("erp:97")
    bench.refresh()
    (case,) = bench.cases()
    wanted = CaseFilter((case.case_id,))
    assert bench.service.replayable(wanted) == ([case.case_id], [])
    done = bench.service.replay(wanted, "ada", "field lengthened", NOW)
    assert (done.replayed, done.left) == ((case.case_id,), ())
    assert bench.service.replay(wanted, "ada", "again", NOW).replayed == ()
    assert bench.cases()[0].state is CaseState.REPLAYING
    bench.refuse("erp:97", NOW + timedelta(minutes=2))
    assert bench.refresh(3) == {"refused": 1}
    bench.service.replay(wanted, "ada", "really lengthened", NOW)
    bench.ops.intents.claim("crm", "invoice", 10, NOW + timedelta(minutes=4))
    bench.ops.intents.settle([Settlement("i-erp:97", A, "acknowledged", NOW + timedelta(minutes=5))])
    assert bench.refresh(6) == {"resolved": 1}
    assert bench.ops.verify().holds
    with pytest.raises(ValueError, match="reason"):
        bench.service.replay(wanted, "ada", " ", NOW)


def test_a_refused_change_whose_difference_has_gone_is_no_case_any_more(bench: Bench) -> None:
    bench.publish(NOW - timedelta(minutes=5))
    bench.refuse("erp:97")
    assert bench.refresh() == {"opened": 1}, "the target was looked at before the refusal"
    bench.publish(NOW + timedelta(minutes=5))
    assert bench.refresh(6) == {"resolved": 1}
    assert {row["state"]: row["intents"] for row in bench.ops.intents.counts()} == {"superseded": 1}


def test_findings_open_and_close_cases(bench: Bench) -> None:
    bench.tables["recon_finding"] = [
        finding("1"), finding("2", is_repairable=True), finding("3", closed_at=NOW.replace(tzinfo=None)),
        finding("4", check_name="recon_unapplied", finding_id="erp:4", finding="stale", customer_id=None, amount=None),
    ]  # fmt: skip
    bench.publish()
    assert bench.refresh() == {"opened": 2}
    by_code = {case.code: case for case in bench.cases()}
    assert set(by_code) == {"recon_document.unknown_currency", "UNAPPLIED_PAYMENT"}
    case = by_code["recon_document.unknown_currency"]
    assert (case.amount, case.customer_name, case.region, case.invoice) == (Decimal("9.90"), "Ada Ltd", "GB", "INV-97")
    assert (case.owner, case.message, case.system) == ("finance_systems", "currency XXX of INV-97", "files")
    assert (by_code["UNAPPLIED_PAYMENT"].region, by_code["UNAPPLIED_PAYMENT"].amount) == ("DE", None)
    bench.tables["recon_finding"] = [finding("1", times_seen=2)]
    bench.publish()
    assert bench.refresh(2) == {"resolved": 1}
    assert [case.occurrences for case in bench.cases(CaseState.OPEN)] == [2]
    bench.tables["recon_finding"] = [finding("4", check_name="recon_unapplied", finding_id="erp:4", finding="stale")]
    bench.publish()
    assert bench.refresh(3) == {"reopened": 1, "resolved": 1}


def aside(key: str, line: int, file: str = "a.csv") -> dict[str, Any]:
    return {"file": file, "line": line, "reason": "amount: 'x' is not an amount", "row": {"No": key}, "key": [key]}


def load(bench: Bench, rows: list[str], bad: list[dict[str, Any]], amount: str = "1.00") -> None:
    every = {f.name: "1" for f in bench.invoice.fields if f.required} | {"amount": amount, "invoice_date": "2026-01-05"}
    lines = [every | {"invoice_id": key} for key in rows]
    with bench.warehouse.writing():
        bench.warehouse.ensure_tables([bench.invoice])
        made = batch(bench.folder, bench.invoice, lines, connection="erp", set_aside=bad, final=True)
        bench.warehouse.load(replace(made, batch_id=f"{made.batch_id}-{made.read_id}"))


def test_a_row_set_aside_of_a_whole_extract_stands_until_a_newer_read_finds_no_fault(bench: Bench) -> None:
    load(bench, ["I1"], [aside("I2", 3), aside("I3", 4)])
    assert bench.refresh() == {"opened": 2}
    case = bench.cases()[0]
    assert (case.code, case.field, case.connection, case.object) == ("ROW_SET_ASIDE", "amount", "erp", "invoice")
    assert case.message.startswith("a.csv line ") and case.owner == "finance_systems"
    assert bench.refresh(2) == {}
    load(bench, ["I1", "I3"], [aside("I2", 3, "b.csv")])
    assert bench.refresh(3) == {"resolved": 1}
    (case,) = bench.cases(CaseState.OPEN)
    assert (case.business_key, case.occurrences) == ("I2", 2)
    assert bench.service.replayable(CaseFilter()) == ([], [case.case_id])


def test_a_row_set_aside_of_a_delta_stands_until_its_record_is_loaded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, full=False)
    load(bench, ["I1"], [aside("I2", 3), aside("I3", 4)])
    load(bench, ["I9"], [aside("I8", 2, "other.csv")])
    assert bench.refresh() == {"opened": 3}, "another delta says nothing of the first"
    load(bench, ["I2"], [], "2.00")
    assert bench.refresh(2) == {"resolved": 1}
    load(bench, [], [aside("I3", 2)])
    assert bench.refresh(3) == {}
    assert sorted(case.business_key for case in bench.cases(CaseState.OPEN)) == ["I3", "I8"]
    bench.ops.close()


def test_a_failing_expectation_is_a_case_until_it_is_met(bench: Bench) -> None:
    failing = CheckResult(
        "raw_files__invoice", "amount is not null", passed=False, checked=9, failing=2, detail="two are null",
        sample=[{"invoice_id": "I1"}],
    )  # fmt: skip
    with bench.warehouse.writing():
        gate.record_landing(bench.warehouse, {"raw_files__invoice": [failing]}, "run1")
    assert bench.refresh() == {"opened": 1}
    (case,) = bench.cases()
    assert (case.code, case.system, case.field) == ("LANDING_EXPECTATION", "files", "amount is not null")
    assert case.message == 'amount is not null: 2 of 9 rows. two are null e.g. {"invoice_id": "I1"}'
    with bench.warehouse.writing():
        gate.record_landing(bench.warehouse, {"raw_files__invoice": []}, "run2")
    assert bench.refresh(2) == {"resolved": 1}
