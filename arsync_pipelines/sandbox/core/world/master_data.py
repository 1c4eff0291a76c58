"""Changes to customers and accounts on a day: new ones, conversions, duplicates, merges, new terms and addresses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from . import names
from .company import HOME, TERMS_CHOICE
from .ledger import Ledger
from .parties import PartyMaker
from .rare_documents import FIRST_ID
from .records import CrmAccount, CrmOpportunity, Employee, ErpCustomer, Party

# (weight of the day's volume, least on a full day) -> how often now
Times = Callable[[float, float], int]


def change(ledger: Ledger, times: Times) -> None:
    """Adds the changes to the ledger's delta."""
    owners = len(ledger.store.all(Employee))
    maker = PartyMaker(ledger.rng, ledger.ids, owners, ledger.stamp)
    for _ in range(times(0.01, 1)):
        _new_customer(ledger, maker)
    for _ in range(times(0.005, 0.5)):
        _convert_prospect(ledger, maker)
    for _ in range(times(0.01, 1)):
        _credit_review(ledger)
    for _ in range(times(0.02, 2)):
        _account_change(ledger)
    for _ in range(times(0.005, 0.5)):
        _merge_duplicate(ledger)
    for _ in range(times(0.02, 1)):
        _deal_moves(ledger)


def _any(ledger: Ledger, kind: str) -> int:
    """Any stored id of this kind but those of rare ones; records of this delta are not in the store yet."""
    last = ledger.store.rows(f"select max(id) from {kind} where id <= ?", (FIRST_ID,))[0][0]
    return 1 + int(ledger.rng.random() * last)


def _new_customer(ledger: Ledger, maker: PartyMaker) -> None:
    delta = ledger.documents.delta
    party = maker.party()
    customers = maker.erp_customers(party, {}) if ledger.rng.random() < 0.7 else []
    accounts = maker.accounts(party, customers, None)
    delta.parties.append(party)
    delta.erp_customers.extend(customers)
    delta.crm_accounts.extend(accounts)
    for account in accounts:
        if not account.deleted:
            maker.people_and_deals(account, customer=bool(customers), delta=delta)
    if customers and maker.pays_by_card():
        delta.processor_customers.append(maker.processor_customer(party, customers[0]))


def _convert_prospect(ledger: Ledger, maker: PartyMaker) -> None:
    """A prospect gets its ERP customer; sales typed the number where no tax id could tell."""
    prospects = ledger.store.rows(
        "select p.id, a.id from parties p join crm_accounts a on a.party_id = p.id"
        ' where a."primary" and not a.deleted and p.id not in (select party_id from erp_customers) order by 1'
    )
    if not prospects:
        return
    party_id, account_id = prospects[int(ledger.rng.random() * len(prospects))]
    party = ledger.store.one(Party, party_id)
    if any(made.party_id == party_id for made in ledger.documents.delta.erp_customers):
        return
    entity, currency = HOME[party.country]
    customer = maker.erp_customer(party, entity, currency, None)
    ledger.documents.delta.erp_customers.append(customer)
    if not party.tax_id:
        ledger.account(account_id).erp_number = customer.number


def _credit_review(ledger: Ledger) -> None:
    """New limit, hold on or off, or other terms."""
    customer: ErpCustomer = ledger.customer(_any(ledger, "erp_customers"))
    kind = ledger.rng.randrange(3)
    if kind == 0:
        customer.credit_limit = (customer.credit_limit or 1_000_000) * 2
    elif kind == 1:
        customer.credit_hold = not customer.credit_hold
    else:
        customer.terms_id = ledger.rng.choice(TERMS_CHOICE)


def _account_change(ledger: Ledger) -> None:
    number = _any(ledger, "crm_accounts")
    if ledger.store.one(CrmAccount, number).deleted:
        return
    account = ledger.account(number)
    if ledger.rng.random() < 0.5:
        account.phone = names.phone(ledger.rng, account.country)
        return
    place = names.address(ledger.rng, account.country)
    account.street, account.city, account.state, account.postal_code = place


def _merge_duplicate(ledger: Ledger) -> None:
    pairs = ledger.store.rows(
        "select d.id, m.id from crm_accounts d join crm_accounts m on m.party_id = d.party_id"
        ' where m."primary" and not m.deleted and not d."primary" and not d.deleted order by 1'
    )
    if pairs:
        loser, winner = pairs[int(ledger.rng.random() * len(pairs))]
        account: CrmAccount = ledger.account(loser)
        account.deleted, account.merged_into = True, winner


def _deal_moves(ledger: Ledger) -> None:
    found = ledger.store.all(CrmOpportunity, "where t.id = ? and not t.is_closed", (_any(ledger, "crm_opportunities"),))
    delta = ledger.documents.delta
    for deal in found:
        if all(deal.id != other.id for other in delta.crm_opportunities):
            deal.stage = "Closed Won" if ledger.rng.random() < 0.5 else "Closed Lost"
            deal.is_closed, deal.is_won = True, deal.stage == "Closed Won"
            deal.close_date = ledger.day
            deal.updated_at = max(deal.updated_at + timedelta(seconds=1), ledger.stamp())
            delta.crm_opportunities.append(deal)
