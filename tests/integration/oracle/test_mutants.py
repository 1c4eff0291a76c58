"""The oracle's own test: each slip of the arithmetic, made in a copy of the project, is noticed.

ARSYNC_ALL_MUTANTS in the environment makes all of them; else one of each kind that auditors ask about.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.integration.dbt.raw import PROJECT
from tests.integration.oracle.ledger import ENTITIES, Document, Ledger, Party
from tests.integration.oracle.pack import Pack, PackedWarehouse
from tests.integration.oracle.strategy import drawn


@dataclass(frozen=True)
class Mutant:
    """`right` stands once in the file under dbt_project and becomes `wrong`."""

    name: str
    path: str
    right: str
    wrong: str


MUTANTS = [
    Mutant("a bucket's edge", "macros/aging.sql", "age_days <= edge_2", "age_days < edge_2"),
    Mutant("due today is current", "macros/aging.sql", "age_days <= edge_1", "age_days < edge_1"),
    Mutant(
        "sign of credits", "models/intermediate/int_netsuite__document.sql",
        "('CustPymt', 'CustCred') then -abs(", "('CustPymt', 'CustCred') then abs(",
    ),
    Mutant(
        "date of a void", "models/marts/fct_receivable_event.sql",
        "voided_fallback_date as business_date", "document_date as business_date",
    ),
    Mutant(
        "application taken back", "models/marts/fct_payment_application.sql",
        "where not is_deleted and link_type", "where link_type",
    ),
    Mutant("rounding", "macros/money.sql", "round({{ amount }}, 0)", "trunc({{ amount }})"),
    Mutant("digits of a currency", "macros/money.sql", "round({{ amount }}, 3)", "round({{ amount }}, 2)"),
    Mutant(
        "date of an application", "models/marts/fct_payment_application.sql",
        "greatest(previous_document.document_date, next_document.document_date)", "previous_document.document_date",
    ),
    Mutant(
        "the as-of date counts", "models/intermediate/int_document_balance.sql", "business_date <=", "business_date <"
    ),
    Mutant(
        "oldest instalment first", "models/marts/fct_receivable_item.sql",
        "order by agreed.due_date,", "order by agreed.due_date desc,",
    ),
    Mutant("basis of aging", "macros/aging.sql", "aging_basis = 'document'", "aging_basis <> 'document'"),
    Mutant(
        "overdue from the first day", "models/marts/ar_customer_summary.sql", "days_past_due >= 1", "days_past_due >= 0"
    ),
    Mutant("credits in no bucket", "macros/aging.sql", "when item_type <> 'invoice' then 0", "when false then 0"),
    Mutant(
        "paid on its last application", "models/marts/fct_invoice.sql",
        "max(application.application_date)", "min(application.application_date)",
    ),
    Mutant(
        "no more disputed than open", "models/marts/fct_invoice.sql", "least(disputed_amount, open_amount)",
        "disputed_amount",
    ),
]  # fmt: skip
SHORT = 7
VOID_TO_COME = Document(
    1, "invoice", Party(0, "1", "USD"), date(2023, 5, 1), Decimal(100), due=date(2023, 6, 1), voided=True,
    closed=ENTITIES["1"].as_of + timedelta(days=1),
)  # fmt: skip
"""Counts today and is void from tomorrow on: rare where chance decides."""
LEDGERS = 150


@pytest.fixture(scope="module")
def ledgers() -> list[Ledger]:
    """Every ledger's rounds as one: what is loaded at once is computed by the same arithmetic."""
    once = [Ledger(one.system, (sum(one.rounds, ()),), one.limit) for one in drawn(LEDGERS)]
    return [*once, Ledger("netsuite", ((VOID_TO_COME,),))]


@dataclass(frozen=True)
class Workshop:
    """One copy of the project for all mutants, always at the same paths: dbt then reads again only what was changed."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def noticed(self, ledgers: list[Ledger]) -> int:
        """How many ledgers differ from the oracle when built by the project as it is now."""
        raw = PackedWarehouse(self.folder / "warehouse.duckdb")
        raw.path.unlink(missing_ok=True)
        raw.project = self.project
        pack = Pack(raw, ledgers)
        pack.load(0)
        raw.build("--select", "+fct_ar_aging", "+ar_customer_summary")
        return len(pack.differences_today(1))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = Workshop(tmp_path_factory.mktemp("workshop"))
    shutil.copytree(PROJECT, made.project, ignore=shutil.ignore_patterns("target", "logs"))
    return made


def test_the_project_as_it_is_differs_nowhere(workshop: Workshop, ledgers: list[Ledger]) -> None:
    assert workshop.noticed(ledgers) == 0


@pytest.mark.parametrize(
    "mutant", MUTANTS if os.environ.get("ARSYNC_ALL_MUTANTS") else MUTANTS[:SHORT], ids=lambda mutant: mutant.name
)
def test_a_mutant_is_killed(
    mutant: Mutant, workshop: Workshop, ledgers: list[Ledger], capsys: pytest.CaptureFixture[str]
) -> None:
    mutated = workshop.project / mutant.path
    text = mutated.read_text(encoding="utf-8")
    assert text.count(mutant.right) == 1, f"{mutant.path} says {mutant.right!r} {text.count(mutant.right)} times"
    mutated.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")
    try:
        killed = workshop.noticed(ledgers)
    finally:
        mutated.write_text(text, encoding="utf-8")
    with capsys.disabled():
        sys.stdout.write(f"\nmutant {mutant.name}: {f'killed by {killed} ledgers' if killed else 'SURVIVED'}\n")
    assert killed
