"""Slips of the arithmetic that the oracle has to notice, each made by replacing one piece of the project's text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`right` stands once in the file under dbt_project and becomes `wrong`; `judge` says who has to notice.

    at once: what ledgers come to that are loaded in one piece. in rounds: the same ledgers as they grow, asked for past
    days as known at past times. asked: what is asked of a snapshot that was rightly built. unit tests: dbt's own.
    """

    kind: str
    name: str
    path: str
    right: str
    wrong: str
    judge: str = "at once"


@dataclass(frozen=True)
class Verdict:
    """`noticed`: how many ledgers (or dbt unit tests) of those shown told the mutant from the right project."""

    kind: str
    name: str
    change: str
    judge: str
    noticed: int
    shown: int
    seconds: float

    @property
    def killed_by(self) -> str:
        of_what = "dbt unit tests" if self.judge == "unit tests" else f"ledgers, {self.judge}"
        return f"{self.noticed} of {self.shown} {of_what}" if self.noticed else "SURVIVED"

    @property
    def line(self) -> str:
        return f"{self.kind:<16} {self.name:<42} {self.killed_by:<34} {self.seconds:>5.1f} s   {self.change}"


APPLICATION = "models/marts/fct_payment_application.sql"
EVENT = "models/marts/fct_receivable_event.sql"
INVOICE = "models/marts/fct_invoice.sql"
NETSUITE = "models/intermediate/int_netsuite__document.sql"
PAIRS = "models/intermediate/int_tryton__application.sql"
SETTLED = "least(debit.reached, credit.reached)\n        - greatest"
MUTANTS = (
    Mutant("bucket edge", "a bucket's edge", "macros/aging.sql", "age_days <= edge_2", "age_days < edge_2"),
    Mutant("bucket edge", "basis of aging", "macros/aging.sql", "aging_basis = 'document'",
           "aging_basis <> 'document'"),
    Mutant("due today", "due today is current", "macros/aging.sql", "age_days <= edge_1", "age_days < edge_1"),
    Mutant(
        "due today", "overdue from the first day", "models/marts/ar_customer_summary.sql",
        "days_past_due >= 1", "days_past_due >= 0",
    ),
    Mutant(
        "sign of credits", "sign of credits", NETSUITE,
        "('CustPymt', 'CustCred', 'DepAppl') then -abs(", "('CustPymt', 'CustCred', 'DepAppl') then abs(",
    ),
    Mutant("sign of credits", "credits in no bucket", "macros/aging.sql", "when not is_debt then 0",
           "when false then 0"),
    Mutant("debts", "debit journals in a bucket", "macros/aging.sql", "'journal' and {{ amount }} > 0",
           "'journal' and false"),
    Mutant("intercompany", "intercompany apart", "macros/aging.sql", "when is_intercompany then -1",
           "when false then -1"),
    Mutant("void date", "date of a void", EVENT, "voided_fallback_date as business_date",
           "document_date as business_date"),
    Mutant("reversal", "application taken back", APPLICATION, "where not is_deleted and link_type", "where link_type"),
    Mutant(
        "reversal", "sign of a line taken back", EVENT, "coalesce(said.amount, -standing.amount)",
        "coalesce(said.amount, standing.amount)", "in rounds",
    ),
    Mutant(
        "reversal", "what no longer stands is taken back", EVENT,
        "where said.event_key is null or standing.event_key is null", "where standing.event_key is null", "in rounds",
    ),
    Mutant("rounding", "rounding", "macros/money.sql", "round({{ amount }}, 0)", "trunc({{ amount }})"),
    Mutant("currency", "digits of a currency", "macros/money.sql", "round({{ amount }}, 3)", "round({{ amount }}, 2)"),
    Mutant(
        "date", "date of an application", APPLICATION,
        "greatest(previous_document.document_date, next_document.document_date) as application_date",
        "previous_document.document_date as application_date",
    ),
    Mutant(
        "date", "the as-of date counts", "models/intermediate/int_document_balance.sql", "business_date <=",
        "business_date <",
    ),
    Mutant("date", "the day that is asked for counts", "macros/as_of.sql",
           "and line.business_date <= asked.as_of_date", "and line.business_date < asked.as_of_date", "asked"),
    Mutant("date", "paid on its last application", INVOICE, "max(application.application_date)",
           "min(application.application_date)"),
    Mutant("known time", "nothing from after the time asked for", "macros/as_of.sql",
           "and line.known_at <= asked.asked_at", "and true", "asked"),
    Mutant("known time", "the load at the very time asked for counts", "macros/as_of.sql",
           "and line.known_at <= asked.asked_at", "and line.known_at < asked.asked_at", "asked"),
    Mutant("instalments", "oldest instalment first", "models/marts/fct_receivable_item.sql",
           "order by agreed.due_date,", "order by agreed.due_date desc,"),
    Mutant("dispute", "no more disputed than open", INVOICE, "least(disputed_amount, open_amount)", "disputed_amount"),
    Mutant("exchange rate", "posted at its own rate", NETSUITE, "convert_money('amount', 'exchange_rate'",
           "convert_money('amount', '1'"),
    Mutant("exchange rate", "settled at the rate of what settles", APPLICATION, "'linked.credit_rate', '1'",
           "'linked.debit_rate', '1'"),
    Mutant("exchange rate", "sign of what is realised", APPLICATION, "(linked.credit_rate - linked.debit_rate)",
           "(linked.debit_rate - linked.credit_rate)"),
    Mutant("exchange rate", "what rounding leaves is taken", EVENT, "having sum(amount) = 0 and", "having false and"),
    Mutant("exchange rate", "a new rate is told", EVENT,
           "and said.functional_amount is not distinct from standing.functional_amount", "and true", "in rounds"),
    Mutant("exchange rate", "an instalment has its share", "macros/aging.sql", "'abs(placed.open_up_to)'",
           "'placed.open_amount'"),
    Mutant("exchange rate", "what was realised by the day asked for", "macros/as_of.sql",
           "sum(line.functional_amount)", "sum(line.amount)", "asked"),
    Mutant("pairing", "no more is settled than both lines hold", PAIRS, SETTLED,
           SETTLED.replace("least", "greatest", 1), "unit tests"),
    Mutant("pairing", "debits are settled by due date", PAIRS,
           "case when amount > 0 then due_date else posted_date end", "posted_date", "unit tests"),
)  # fmt: skip
UNCHANGED = tuple(
    Mutant("none", f"nothing, {judge}", path, same, same, judge)
    for judge, path, same in (
        ("at once", "macros/aging.sql", "age_days <= edge_2"),
        ("in rounds", EVENT, "coalesce(said.amount, -standing.amount)"),
        ("asked", "macros/as_of.sql", "and line.known_at <= asked.asked_at"),
        ("unit tests", PAIRS, SETTLED),
    )
)
"""The right project, shown to each judge."""
