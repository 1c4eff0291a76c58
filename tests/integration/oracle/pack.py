"""Many ledgers in one warehouse: their facts as raw rows of NetSuite and of extracts, builds, and where they differ.

Ledger n of a pack has the ERP customers n*10+1 and n*10+2 and the documents n*1000+key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from arsync_pipelines.ports.warehouse import Snapshot
from arsync_pipelines.services.publish import functions
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
from tests.integration.dbt.asking import ASKED
from tests.integration.oracle.builder import PackedWarehouse
from tests.integration.oracle.ledger import ENTITIES, MINOR, Document, Gone, Ledger, Link, Merged, Party
from tests.integration.oracle.truth import Books, money

ERP, EXTRACTS = "erp", "extracts"
FIRST_LOAD = datetime(2024, 1, 1)
STEP = timedelta(hours=1)
DATES = (None, date(2022, 9, 30), date(2023, 3, 31), date(2023, 6, 30), date(2023, 8, 15))
CURRENCY = {currency: str(number) for number, currency in enumerate(MINOR, 1)}
TYPES = {
    "invoice": "CustInvc",
    "payment": "CustPymt",
    "credit_memo": "CustCred",
    "refund": "CustRfnd",
    "journal": "Journal",
}
ASSERTED = ("assert_nothing_lost_to_canonical", "assert_items_sum_to_documents", "assert_summary_foots_to_aging")
"""Of the general ledger the packs write the journals only, so that assert_aging_foots_to_ledgers has nothing to say."""
TABLES = (*ASKED, "bridge_customer_history")
COLUMNS = {
    "current": "current_amount", "second": "days_1_30_amount", "third": "days_31_60_amount",
    "fourth": "days_61_90_amount", "last": "days_91_plus_amount", "unapplied": "unapplied_amount",
    "intercompany": "intercompany_amount", "open_balance": "open_balance_amount",
    "overdue": "overdue_balance_amount", "disputed": "disputed_amount", "oldest_due": "oldest_due_date",
    "days_to_pay": "average_days_to_pay",
}  # fmt: skip


@dataclass
class Pack:
    """Ledgers side by side in one warehouse. Build the rounds in order, then ask."""

    raw: PackedWarehouse
    ledgers: list[Ledger]
    known: list[datetime] = field(default_factory=list)
    """When each round was built and published: nothing said of it up to then may change."""
    answers: dict[tuple[date | None, datetime], list[tuple[Any, ...]]] = field(default_factory=dict)
    compared: int = 0
    """Answers of the product that were compared with the oracle's, one ledger and question each."""

    def __post_init__(self) -> None:
        self.raw.create(ENTITIES["1"].as_of)
        self.raw.loaded_at = FIRST_LOAD
        self.warehouse = DuckDbWarehouse(self.raw.path, self.raw.path.parent / "snapshots")
        self.snapshot: Snapshot
        self._set_up()

    def build(self) -> None:
        """Load the next round, build, publish."""
        self.load(len(self.known))
        self.raw.build("--select", *(f"+{table}" for table in ASKED))
        self.publish()
        self.known.append(now())

    def hold(self) -> None:
        """Build what the project's own assertions look at, and let them: nothing of a ledger is lost on its way."""
        self.raw.build("--select", "+recon_counts", "+recon_gl_control", *ASSERTED)

    def load(self, number: int) -> None:
        """Raw rows of a round, by its number."""
        for at, ledger in enumerate(self.ledgers, 1):
            for step, fact in enumerate(ledger.rounds[number]):
                self.raw.loaded_at = now() if number else FIRST_LOAD + step * STEP
                Writer(self.raw, ledger, at).write(fact)

    def publish(self) -> None:
        with self.warehouse.writing():
            self.snapshot = self.warehouse.publish(ASKED, {}, functions(self.warehouse, ASKED))

    def ask(self, as_of: date | None, known: datetime | None) -> list[tuple[Any, ...]]:
        rows = self.warehouse.query_snapshot(self.snapshot, "select * from ar_aging(?, ?) order by all", [as_of, known])
        return [tuple(row.values()) for row in rows]

    def differences(self) -> dict[int, list[str]]:
        """Per ledger (by its place in the pack) what the product says otherwise than the oracle."""
        found: dict[int, list[str]] = defaultdict(list)
        rounds = len(self.known)
        middle = FIRST_LOAD + 4 * STEP
        questions: list[tuple[str, datetime, int, int | None]] = [("half way", middle, 1, 4)]
        questions += [(f"round {number}", known, number, None) for number, known in enumerate(self.known, 1)]
        for name, known, number, step in questions:
            books = [Books(ledger, number) for ledger in self.ledgers]
            for as_of in DATES:
                sql = f"select {', '.join(ITEM)} from ar_aging(?, ?)"
                said = self._by_ledger(self.warehouse.query_snapshot(self.snapshot, sql, [as_of, known]))
                expected = [book.aging(as_of, step) for book in books]
                self._compare(found, f"ar_aging({as_of}, {name})", said, expected)
        for at, told in self.differences_today(rounds).items():
            found[at] += told
        return dict(found)

    def differences_today(self, rounds: int) -> dict[int, list[str]]:
        """The same of the tables that a build leaves: items at each legal entity's date, and totals of customers."""
        found: dict[int, list[str]] = defaultdict(list)
        books = [Books(ledger, rounds) for ledger in self.ledgers]
        today = self._by_ledger(self.raw.rows(f"select {', '.join(ITEM)} from fct_ar_aging"))
        self._compare(found, "fct_ar_aging", today, [book.aging() for book in books])
        for row in self.raw.rows("select * from int_document_balance where open_amount = 0"):
            key = int(row["document_id"].rsplit(":", 1)[1])
            found[key // 1000].append(f"settled, but not in functional currency: {row}")
        self._compare_summaries(found, books)
        return dict(found)

    def unchanged(self) -> list[str]:
        """Ask all that was asked before again; the questions whose rows are others now."""
        changed = [f"ar_aging({d}, {k})" for (d, k), rows in self.answers.items() if self.ask(d, k) != rows]
        for as_of in DATES:
            for known in (*self.known, FIRST_LOAD + 4 * STEP):
                self.answers.setdefault((as_of, known), self.ask(as_of, known))
        return changed

    def _compare(
        self, found: dict[int, list[str]], question: str, said: dict[int, list[Any]], truth: list[list[Any]]
    ) -> None:  # fmt: skip
        self.compared += len(self.ledgers)
        for at, (ledger, items) in enumerate(zip(self.ledgers, truth, strict=True), 1):
            expected = [named(at, ledger, item) for item in items]
            if sorted(map(repr, expected)) != sorted(map(repr, said.get(at, []))):
                found[at].append(f"{question}\n  oracle:  {expected}\n  product: {said.get(at, [])}")

    def _compare_summaries(self, found: dict[int, list[str]], books: list[Books]) -> None:
        self.compared += len(books)
        said: dict[int, dict[Any, Any]] = defaultdict(dict)
        columns = ", ".join(COLUMNS.values())
        sql = f"select customer_id, legal_entity_id, currency, credit_limit_amount, credit_available_amount, {columns}"
        for row in self.raw.rows(f"{sql} from ar_customer_summary"):
            customer = int(row["customer_id"].split(":")[1])
            values = {name: plain(row[column]) for name, column in COLUMNS.items()}
            values = {k: v for k, v in values.items() if v is not None and (k == "days_to_pay" or v != "0")}
            if row["credit_limit_amount"] is not None:
                values["limit"] = plain(row["credit_limit_amount"])
                values["available"] = plain(row["credit_available_amount"])
            if values:
                key = (customer % 10 - 1, row["legal_entity_id"].split(":")[1], row["currency"])
                said[customer // 10][key] = values
        for at, book in enumerate(books, 1):
            expected = {
                key: {name: plain(value) for name, value in row.items()} for key, row in book.summaries().items() if row
            }
            home = homes(book.ledger).get(0)
            if book.ledger.limit is not None and home:
                row = expected.setdefault((0, home.entity, home.currency), {})
                limit = book.ledger.limit
                row |= {"limit": plain(limit), "available": plain(limit - Decimal(row.get("open_balance", "0")))}
            if expected != said.get(at, {}):
                found[at].append(f"ar_customer_summary\n  oracle:  {expected}\n  product: {dict(said.get(at, {}))}")

    def _by_ledger(self, rows: Iterable[dict[str, Any]]) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            key = int(row["document_id"].rsplit(":", 1)[1])
            found[key // 1000].append(tuple(plain(row[name]) for name in ITEM))
        return found

    def _set_up(self) -> None:
        add = self.raw.add
        for key, entity in ENTITIES.items():
            add(
                "raw_netsuite__subsidiary",
                ERP,
                id=key,
                name=f"Entity {key}",
                country="US",
                currency=CURRENCY[entity.currency],
                iselimination="T" if entity.elimination else "F",
            )
            add(
                "raw_netsuite__account",
                ERP,
                id=f"10{key}",
                acctnumber="1100",
                accttype="AcctRec",
                fullname="Receivables",
            )
            for connection in (ERP, EXTRACTS):
                values = [connection, key, entity.as_of, *entity.edges, entity.basis]
                self.raw.execute(
                    "insert into raw_arsync__legal_entity (connection, source_legal_entity_id, as_of_date, edge_1, "
                    f"edge_2, edge_3, edge_4, aging_basis) values ({', '.join(repr(str(value)) for value in values)})"
                )
        for currency, key in CURRENCY.items():
            add(
                "raw_netsuite__currency",
                ERP,
                id=key,
                symbol=currency,
                name=currency,
                currencyprecision=str(MINOR[currency]),
            )
            add(
                "raw_netsuite__currency_rate", ERP, id=key, basecurrency="1", transactioncurrency=key, exchangerate="1",
                effectivedate="2020-01-01", lastmodifieddate="2023-01-01 00:00:00",
            )  # fmt: skip
        for at, ledger in enumerate(self.ledgers, 1):
            Writer(self.raw, ledger, at).customers(merged=False)


ITEM = (
    "document_id", "item_number", "customer_id", "legal_entity_id", "currency", "due_date", "open_amount", "bucket",
    "days_past_due", "functional_open_amount",
)  # fmt: skip


@dataclass
class Writer:
    """Raw rows of one ledger's facts."""

    raw: PackedWarehouse
    ledger: Ledger
    at: int

    def customers(self, merged: bool) -> None:
        for customer, party in homes(self.ledger).items():
            key = str(self.at * 10 + customer + 1)
            tax = f"{self.at:07}" if merged or customer == 0 else f"{self.at:07}00"
            if self.ledger.system == "netsuite":
                limit = str(self.ledger.limit) if self.ledger.limit is not None and customer == 0 else None
                self.raw.add(
                    "raw_netsuite__customer", ERP, id=key, entityid=f"C{key}", companyname=f"Customer {key}",
                    subsidiary=party.entity, currency=CURRENCY[party.currency], creditlimit=limit, vatregnumber=tax,
                    isinactive="F", billing_country="US",
                    representingsubsidiary="1" if self.ledger.intercompany and customer == 1 else None,
                )  # fmt: skip
            else:
                self.raw.add(
                    "raw_files__customer", EXTRACTS, customer_id=key, name=f"Customer {key}", country="US",
                    tax_registration=tax,
                )  # fmt: skip

    def write(self, fact: Document | Link | Gone | Merged) -> None:
        match fact:
            case Document() if self.ledger.system == "netsuite":
                self.transaction(fact)
            case Document():
                self.extract(fact)
            case Link():
                self.raw.add(
                    "raw_netsuite__transaction_link", ERP, _deleted=fact.amount is None,
                    previousdoc=self.key(fact.earlier), previousline="0", nextdoc=self.key(fact.later), nextline="0",
                    linktype="Payment",
                    foreignamount=str(fact.amount or 1),
                )  # fmt: skip
            case Gone():
                self.gone(fact)
            case Merged():
                self.customers(merged=True)

    def key(self, key: int) -> str:
        return str(self.at * 1000 + key)

    def transaction(self, fact: Document, deleted: bool = False) -> None:
        key, customer = self.key(fact.key), str(self.at * 10 + fact.party.customer + 1)
        foreign = fact.party.currency != ENTITIES[fact.party.entity].currency
        rate = fact.rate if foreign else Decimal(1)
        shown = -fact.amount if fact.kind in {"payment", "credit_memo"} and fact.key % 2 else fact.amount
        self.raw.add(
            "raw_netsuite__transaction", ERP, _deleted=deleted, id=key, tranid=key, type=TYPES[fact.kind],
            trandate=str(fact.day), duedate=str(fact.due) if fact.due else None,
            entity=None if fact.kind == "journal" else customer, subsidiary=fact.party.entity, status="A",
            currency=CURRENCY[fact.party.currency], exchangerate=str(rate), foreigntotal=str(shown),
            closedate=str(fact.closed) if fact.closed else None, voided="T" if fact.voided else "F",
            isreversal="T" if fact.reversal else "F", lastmodifieddate="2023-01-01 00:00:00",
            custbody_disputed_amount=str(fact.disputed) if fact.disputed else None,
        )  # fmt: skip
        if fact.kind == "journal":
            self.raw.add(
                "raw_netsuite__transaction_line", ERP, transaction=key, id="0", mainline="T",
                foreignamount=str(fact.amount), entity=customer, subsidiary=fact.party.entity,
            )  # fmt: skip
            self.raw.add(
                "raw_netsuite__transaction_accounting_line", ERP, transaction=key, transactionline="0",
                account=f"10{fact.party.entity}", amount=str(posted(fact)), posting="T",
            )  # fmt: skip
        if fact.kind == "invoice":
            for number in range(1, 4):
                due, amount = fact.parts[number - 1] if number <= len(fact.parts) else (None, None)
                self.raw.add(
                    "raw_netsuite__transaction_installment", ERP, _deleted=due is None, transaction=key, id=str(number),
                    duedate=str(due) if due else None, amount=str(amount) if amount else None,
                )  # fmt: skip

    def extract(self, fact: Document, deleted: bool = False) -> None:
        customer = str(self.at * 10 + fact.party.customer + 1)
        common: dict[str, Any] = {
            "customer_id": customer, "legal_entity": fact.party.entity, "currency": fact.party.currency,
        }  # fmt: skip
        if fact.kind == "payment":
            self.raw.add(
                "raw_files__payment", EXTRACTS, _deleted=deleted, payment_id=self.key(fact.key),
                payment_date=str(fact.day), invoice_id=self.key(fact.pays) if fact.pays else None,
                amount=str(fact.amount), **common,
            )  # fmt: skip
            return
        signed = fact.amount if fact.kind == "invoice" else -fact.amount
        day, settled = fact.settled or (None, None)
        self.raw.add(
            "raw_files__invoice", EXTRACTS, _deleted=deleted, invoice_id=self.key(fact.key), invoice_date=str(fact.day),
            due_date=str(fact.due) if fact.due else None, amount=str(signed), disputed=False,
            disputed_amount=str(fact.disputed) if fact.disputed else None, settled_date=str(day) if day else None,
            settled_amount=str(settled) if settled else None, **common,
        )  # fmt: skip

    def gone(self, fact: Gone) -> None:
        """The last version again, as a tombstone; or the ERP's own log."""
        versions = [
            f for facts in self.ledger.rounds for f in facts if isinstance(f, Document) and f.key == fact.key
        ]  # fmt: skip
        if not versions:
            return
        if self.ledger.system == "files":
            self.extract(versions[-1], deleted=True)
        elif fact.logged:
            self.raw.add(
                "raw_netsuite__deleted_record", ERP, type=TYPES[versions[-1].kind], recordid=self.key(fact.key),
                deleteddate="2023-01-01 00:00:00",
            )  # fmt: skip
        else:
            self.transaction(versions[-1], deleted=True)


def posted(journal: Document) -> Decimal:
    """What a journal posts in the legal entity's currency."""
    currency = ENTITIES[journal.party.entity].currency
    exact = money(journal.amount, journal.party.currency)
    return exact if journal.party.currency == currency else money(exact * journal.rate, currency)


def homes(ledger: Ledger) -> dict[int, Party]:
    """Where each ERP customer of a ledger is at home: with the first document of all."""
    found: dict[int, Party] = {}
    for facts in ledger.rounds:
        for fact in facts:
            if isinstance(fact, Document):
                found.setdefault(fact.party.customer, fact.party)
    return dict(sorted({0: found.get(0, Party(0, "1", "USD")), **found}.items()))


def named(at: int, ledger: Ledger, item: Any) -> tuple[str, ...]:
    """The oracle's item by the product's names."""
    connection = ERP if ledger.system == "netsuite" else EXTRACTS
    prefix, key = "", item.document
    if item.document.startswith("settled:"):
        prefix, key = "settled:", item.document.removeprefix("settled:")
    elif connection == EXTRACTS and kind_of(ledger, int(key)) == "payment":
        prefix = "payment:"
    return tuple(
        plain(value)
        for value in (
            f"{connection}:{prefix}{at * 1000 + int(key)}", item.number, f"{connection}:{at * 10 + item.customer + 1}",
            f"{connection}:{item.entity}", item.currency, item.due, item.open, item.bucket, item.days_past_due,
            item.functional,
        )
    )  # fmt: skip


def kind_of(ledger: Ledger, key: int) -> str:
    return next(f.kind for facts in ledger.rounds for f in facts if isinstance(f, Document) and f.key == key)


def plain(value: Any) -> Any:
    """As text, decimals without trailing zeros."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
    return None if value is None else str(value)


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
