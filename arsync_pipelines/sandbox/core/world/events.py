"""One business fact on demand: void, pay or credit an invoice now. For demonstrations and tests."""

from __future__ import annotations

from .ledger import Ledger
from .records import Invoice

KINDS = ("void", "pay", "credit")


class EventRefused(Exception):
    """The fact cannot happen to that invoice; the message says why."""


def make_happen(ledger: Ledger, kind: str, invoice_number: str | None, amount: int | None) -> Invoice:
    """Adds the fact to the ledger's delta and returns the changed invoice.

    Without a number the lowest fitting open invoice of a customer that the CRM knows is taken; without an amount all
    that is open. Raises EventRefused.
    """
    if kind not in KINDS:
        raise EventRefused(f"unknown event {kind!r}; known: {', '.join(KINDS)}")
    number, customer_id, open_amount = _chosen(ledger, kind, invoice_number)
    invoice = ledger.invoice(number)
    part = open_amount if amount is None else amount
    if not 0 < part <= open_amount:
        raise EventRefused(f"{invoice.number} has {open_amount} minor units open; {part} cannot be applied")
    documents = ledger.documents
    if kind == "void":
        documents.void(invoice, ledger.ordinal)
        return invoice
    buyer = ledger.buyer(customer_id)
    if part == open_amount:
        invoice.dispute_reason, invoice.disputed_amount = "", 0
    source = (
        documents.payment(buyer, ledger.ordinal, part, "wire")
        if kind == "pay"
        else documents.credit_memo(buyer, ledger.ordinal, part)
    )
    documents.apply(source, invoice, part)
    return invoice


def _chosen(ledger: Ledger, kind: str, invoice_number: str | None) -> tuple[int, int, int]:
    """(invoice id, ERP customer id, open amount)."""
    untouched = "not exists (select 1 from applications a where a.invoice_id = i.id)" if kind == "void" else "1"
    known = (
        "exists (select 1 from erp_customers c join crm_accounts a on a.party_id = c.party_id"
        ' where c.id = i.erp_customer_id and a."primary" and not a.deleted)'
    )
    found = ledger.store.rows(
        "select i.id, i.erp_customer_id, o.open from open_item o join invoices i on i.id = o.invoice_id"
        f" where {untouched} and (i.number = ? or (? is null and {known})) order by i.id limit 1",
        (invoice_number, invoice_number),
    )
    if not found:
        which = f"invoice {invoice_number} is" if invoice_number else "no invoice is"
        why = "open and without any application (a void needs both)" if kind == "void" else "open"
        raise EventRefused(f"{which} {why}" if not invoice_number else f"{which} not {why}")
    number, customer_id, open_amount = found[0]
    return int(number), int(customer_id), int(open_amount)
