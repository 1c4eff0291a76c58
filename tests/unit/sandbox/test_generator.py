"""The rules that the seeded past keeps, whatever the seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import fields
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arsync_pipelines.sandbox.core.world.company import LAST_SEEDED_DAY
from arsync_pipelines.sandbox.core.world.generator import Generator, Size
from arsync_pipelines.sandbox.core.world.rare_business import RareBusiness
from arsync_pipelines.sandbox.core.world.rare_documents import DEBTS, FIRST_ID
from arsync_pipelines.sandbox.core.world.records import Delta


def generate(seed: int = 7, customers: int = 60, invoices: int = 400) -> Delta:
    """All chunks in one."""
    whole = Delta()
    for delta in Generator(Size(seed, customers, invoices)).deltas():
        for item in fields(Delta):
            if item.name != "exchange_rates":
                getattr(whole, item.name).extend(getattr(delta, item.name))
    return whole


@pytest.fixture(scope="module")
def world() -> Delta:
    return generate(customers=800, invoices=8_000)


def test_the_same_seed_gives_the_same_world() -> None:
    assert generate(3) == generate(3)
    assert generate(3) != generate(4)


def test_what_is_rare_changes_nothing_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids, amounts and dates of all other records are those of a world in which nothing rare happens."""
    with_it = generate(5)
    for item in fields(Delta):
        if item.name not in ("exchange_rates", "legal_entities", "payment_terms", "employees"):
            setattr(with_it, item.name, [one for one in getattr(with_it, item.name) if one.id <= FIRST_ID])
    monkeypatch.setattr(RareBusiness, "run", lambda self: Delta())
    without = generate(5)
    assert with_it == without
    assert without.invoices and not without.deposits


def test_sizes_are_as_asked_for(world: Delta) -> None:
    assert sum(invoice.id <= FIRST_ID for invoice in world.invoices) == 8_000
    assert len({customer.party_id for customer in world.erp_customers if customer.represents is None}) == 800
    assert sum(party.id <= FIRST_ID for party in world.parties) == 920


def test_every_kind_of_business_occurs(world: Delta) -> None:
    assert {journal.kind for journal in world.journals} == {"void", "write_off", "chargeback", "recovery"}
    assert {payment.channel for payment in world.payments} == {"wire", "check", "card"}
    assert {refund.source_type for refund in world.customer_refunds} == {"payment", "credit_memo"}
    assert any(len(invoice.instalments) > 1 for invoice in world.invoices)
    assert any(invoice.disputed_amount for invoice in world.invoices)
    assert any(not charge.payment_number and charge.succeeded for charge in world.processor_charges)
    assert any(not charge.succeeded for charge in world.processor_charges)
    assert world.processor_refunds
    assert world.processor_disputes
    assert {entity.currency for entity in world.legal_entities} == {"USD", "EUR", "GBP", "JPY"}
    functional = {entity.id: entity.currency for entity in world.legal_entities}
    assert any(invoice.currency != functional[invoice.legal_entity_id] for invoice in world.invoices)
    in_payments = Counter(item.source_id for item in world.applications if item.source_type == "payment")
    assert max(in_payments.values()) > 1


def test_a_realistic_share_is_open(world: Delta) -> None:
    settled: dict[int, int] = defaultdict(int)
    for item in world.applications:
        settled[item.invoice_id] += item.amount
    still_open = sum(settled[invoice.id] < invoice.total for invoice in world.invoices)
    assert 0.05 <= still_open / len(world.invoices) <= 0.13


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_documents_obey_the_ledgers_rules(seed: int) -> None:
    world = generate(seed, customers=30, invoices=200)
    invoices = {item.id: item for item in world.invoices}
    sources: dict[tuple[str, int], tuple[date, int]] = {
        **{("payment", item.id): (item.payment_date, item.amount + item.discount) for item in world.payments},
        **{("credit_memo", item.id): (item.memo_date, item.total) for item in world.credit_memos},
        **{("journal", item.id): (item.journal_date, item.amount) for item in world.journals},
    }
    settled: dict[int, int] = defaultdict(int)
    used: dict[tuple[str, int], int] = defaultdict(int)
    for item in world.applications:
        invoice, (dated, _) = invoices[item.invoice_id], sources[item.source_type, item.source_id]
        assert item.amount > 0
        assert item.applied_on == max(dated, invoice.invoice_date)
        assert item.updated_at <= invoice.updated_at
        settled[item.invoice_id] += item.amount
        used[item.source_type, item.source_id] += item.amount
    for deposited in world.deposit_applications:
        assert deposited.amount > 0
        assert deposited.applied_on >= invoices[deposited.invoice_id].invoice_date
        settled[deposited.invoice_id] += deposited.amount
        used["deposit", deposited.deposit_id] += deposited.amount
    debts = {item.id: item for item in world.journals if item.kind in DEBTS}
    for paid in world.debt_applications:
        assert paid.applied_on == max(sources["payment", paid.payment_id][0], debts[paid.journal_id].journal_date)
        used["payment", paid.payment_id] += paid.amount
        used["debt", paid.journal_id] += paid.amount
    assert all(used["debt", item.id] <= item.amount for item in debts.values())
    assert all(used["deposit", item.id] <= item.amount for item in world.deposits)
    for refund in world.customer_refunds:
        used[refund.source_type, refund.source_id] += refund.amount
    for key, (_, amount) in sources.items():
        assert used[key] <= amount
        assert key[0] != "journal" or key[1] in debts or used[key] == amount
    for invoice in world.invoices:
        assert settled[invoice.id] <= invoice.total
        assert sum(line.net + line.tax for line in invoice.lines) == invoice.total
        assert sum(amount for _, amount in invoice.instalments) == invoice.total
        assert invoice.invoice_date <= LAST_SEEDED_DAY
        assert invoice.updated_at.date() <= LAST_SEEDED_DAY
        assert (invoice.voided_on is None) == (invoice.void_journal_id is None)
        assert invoice.disputed_amount <= invoice.total
        if invoice.void_journal_id:
            assert sources["journal", invoice.void_journal_id] == (invoice.voided_on, invoice.total)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_identities_leave_one_right_answer(seed: int) -> None:
    world = generate(seed, customers=60, invoices=0)
    parties = {party.id: party for party in world.parties}
    customers = defaultdict(list)
    for customer in world.erp_customers:
        customers[customer.party_id].append(customer)
    accounts = defaultdict(list)
    for account in world.crm_accounts:
        accounts[account.party_id].append(account)
        assert account.tax_id in ("", parties[account.party_id].tax_id)
        assert account.country == parties[account.party_id].country
    for party_id, party in parties.items():
        own, known = customers[party_id], accounts[party_id]
        assert len(own) < 2 or party.tax_id
        assert len({(item.legal_entity_id, item.currency) for item in own}) == len(own)
        typed = [item for item in known if item.erp_number]
        assert len(typed) <= 1
        assert all(item.erp_number == min(customer.number for customer in own) for item in typed)
        by_tax = [item for item in known if item.tax_id and not item.deleted]
        right = (typed or sorted(by_tax, key=lambda item: item.id))[:1]
        primary = [item for item in known if item.primary]
        if own:
            assert primary == right
            assert all(not item.deleted for item in primary)
    filled = [party.tax_id for party in world.parties if party.tax_id]
    assert len(set(filled)) == len(filled)


def test_nonsense_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        Size(1, 10, 10, months=12)
    with pytest.raises(ValueError, match="at least one customer"):
        Size(1, 0, 10)
