"""What holds of Stripe alone: events as hints, their retention, and changes made through the API.

What holds of every connector is in tests/contract/sources.
"""

from __future__ import annotations

import json

import pytest

from arsync_pipelines.domain.errors import SourceContractBroken
from tests.fixtures.sources.base import Landed, differences
from tests.fixtures.sources.stripe import StripeCompany


def test_after_a_long_pause_nothing_is_missing(company: StripeCompany, landed: Landed) -> None:
    """Longer than events are kept: the log no longer reaches back, so everything is listed anew."""
    streams = [name for name in landed.specs if name != "event"]
    landed.run(*streams)
    for _ in range(35):
        company.stand_in.next_day()
    landed.run()
    assert differences(company, landed) == {}


def test_changes_made_through_the_api(company: StripeCompany, landed: Landed) -> None:
    landed.run()
    client = company.client
    (customer,) = next(iter(landed.current("customer")))
    charges = landed.current("charge").values()
    charge = next(row["id"] for row in charges if row["paid"] and not row["amount_refunded"])
    client.v1.customers.update(customer, {"metadata": {"erp_customer": "C-9"}})
    client.v1.refunds.create({"charge": charge, "amount": 1})
    new = client.v1.customers.create({"name": "New"})
    gone = client.v1.customers.create({"name": "Gone"})
    client.v1.customers.delete(gone.id)
    landed.run()
    assert landed.news("customer") == {(customer,), (new.id,), (gone.id,)}
    assert (landed.news("charge"), len(landed.news("refund"))) == ({(charge,)}, 1)
    held = landed.current("customer")
    assert json.loads(held[(customer,)]["metadata"]) == {"erp_customer": "C-9"}
    assert (gone.id,) not in held and held[(new.id,)]["deleted"] is False
    assert landed.current("charge")[(charge,)]["amount_refunded"] == 1


def test_events_land_as_ids_only(company: StripeCompany) -> None:
    rows = [row for page in company.source().read("event", None) for row in page.rows]
    assert rows and all(set(row) == {"id", "type", "created", "object_id", "object_type"} for row in rows)


def test_an_ignored_filter_by_creation_is_noticed(company: StripeCompany, landed: Landed) -> None:
    landed.run("balance_transaction")
    company.stand_in.next_day()
    company.stand_in.fault("ignore_filter")
    with pytest.raises(SourceContractBroken, match="ignored"):
        landed.run("balance_transaction")
