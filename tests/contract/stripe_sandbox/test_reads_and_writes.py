"""Objects through the official SDK: lists, expansion, lifecycles, currencies, credit, search."""

from __future__ import annotations

import pytest
import stripe

from .conftest import Server


def _customer(client: stripe.StripeClient, **params: object) -> stripe.Customer:
    return client.v1.customers.create({"name": "Acme", **params})


def test_lists_are_newest_first_and_page_both_ways(server: Server, client: stripe.StripeClient) -> None:
    made = [_customer(client, email=f"c{number}@example.com").id for number in range(7)]
    first = client.v1.customers.list({"limit": 3})
    assert [item.id for item in first.data] == made[:3:-1] and first.has_more
    second = client.v1.customers.list({"limit": 3, "starting_after": first.data[-1].id})
    assert [item.id for item in second.data] == made[3:0:-1]
    back = client.v1.customers.list({"limit": 2, "ending_before": second.data[-1].id})
    assert [item.id for item in back.data] == made[3:1:-1]
    assert [item.id for item in client.v1.customers.list({"limit": 2}).auto_paging_iter()][:7] == made[::-1]
    assert client.v1.customers.list({"created": {"gt": server.now() + 10}}).data == []
    assert len(client.v1.customers.list({"created": {"gte": server.now() - 60}, "limit": 100}).data) >= 7
    assert [item.id for item in client.v1.customers.list({"email": "c4@example.com"}).data] == [made[4]]


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"nonsense": 1}, {"starting_after": "cus_none"}])
def test_bad_list_parameters_name_the_parameter(client: stripe.StripeClient, params: dict[str, object]) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.list(params)
    assert caught.value.http_status == 400
    assert caught.value.param == next(iter(params))


def test_customer_update_clears_fields_merges_metadata_and_delete_leaves_a_stub(client: stripe.StripeClient) -> None:
    customer = _customer(client, phone="+1 555 0100", metadata={"erp_customer": "C1", "tier": "a"})
    changed = client.v1.customers.update(customer.id, {"phone": "", "metadata": {"tier": "", "region": "emea"}})
    assert changed.phone is None
    assert changed.metadata is not None and changed.metadata.to_dict() == {"erp_customer": "C1", "region": "emea"}
    event = client.v1.events.list({"type": "customer.updated", "limit": 1}).data[0]
    previous = event.to_dict()["data"]["previous_attributes"]
    assert previous == {"phone": "+1 555 0100", "metadata": {"tier": "a", "region": None}}
    client.v1.customers.delete(customer.id)
    gone = client.v1.customers.retrieve(customer.id)
    assert gone.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}
    assert customer.id not in [item.id for item in client.v1.customers.list({"limit": 100}).data]
    assert client.v1.events.list({"limit": 1}).data[0].type == "customer.deleted"


def test_invoice_of_2026_has_payments_and_neither_charge_nor_intent(client: stripe.StripeClient) -> None:
    customer = _customer(client)
    draft = client.v1.invoices.create(
        {"customer": customer.id, "currency": "usd", "collection_method": "send_invoice", "days_until_due": 30}
    )
    client.v1.invoice_items.create({"customer": customer.id, "invoice": draft.id, "amount": 12_345, "currency": "usd"})
    opened = client.v1.invoices.finalize_invoice(draft.id)
    assert (opened.status, opened.amount_due, opened.number) == ("open", 12_345, f"{customer.invoice_prefix}-0001")
    assert opened.due_date == opened.created + 30 * 86_400
    paid = client.v1.invoices.pay(draft.id, {"expand": ["payments.data.payment.payment_intent.latest_charge"]})
    body = paid.to_dict()
    assert not {"charge", "payment_intent", "subscription", "paid"} & set(body)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 12_345, 0)
    charge = body["payments"]["data"][0]["payment"]["payment_intent"]["latest_charge"]
    assert charge["object"] == "charge" and charge["amount"] == 12_345 and "invoice" not in charge
    kinds = [event.type for event in client.v1.events.list({"limit": 20}).data]
    for kind in ("invoice.created", "invoice.finalized", "invoice.paid", "invoice_payment.paid", "charge.succeeded"):
        assert kind in kinds
    listed = client.v1.invoice_payments.list({"invoice": draft.id})
    assert [item.amount_paid for item in listed.data] == [12_345]


def test_voided_and_uncollectible_invoices(client: stripe.StripeClient) -> None:
    customer = _customer(client)
    ids = []
    for _ in range(2):
        draft = client.v1.invoices.create({"customer": customer.id, "currency": "eur"})
        client.v1.invoice_items.create({"customer": customer.id, "invoice": draft.id, "amount": 900, "currency": "eur"})
        ids.append(client.v1.invoices.finalize_invoice(draft.id).id)
    assert client.v1.invoices.void_invoice(ids[0]).status_transitions.voided_at
    assert client.v1.invoices.mark_uncollectible(ids[1]).status == "uncollectible"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.pay(ids[0])
    assert {item.status for item in client.v1.invoices.list({"customer": customer.id, "status": "void"}).data} == {
        "void"
    }


def test_credit_notes_before_and_after_payment_and_the_customer_balance(client: stripe.StripeClient) -> None:
    customer = _customer(client)
    draft = client.v1.invoices.create({"customer": customer.id, "currency": "usd"})
    client.v1.invoice_items.create({"customer": customer.id, "invoice": draft.id, "amount": 10_000, "currency": "usd"})
    client.v1.invoices.finalize_invoice(draft.id)
    pre = client.v1.credit_notes.create({"invoice": draft.id, "amount": 2_500})
    assert pre.type == "pre_payment"
    assert client.v1.invoices.retrieve(draft.id).amount_remaining == 7_500
    client.v1.invoices.pay(draft.id)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.credit_notes.create({"invoice": draft.id, "amount": 2_000, "credit_amount": 100})
    post = client.v1.credit_notes.create(
        {"invoice": draft.id, "amount": 2_000, "credit_amount": 1_500, "refund_amount": 500}
    )
    assert post.type == "post_payment"
    assert client.v1.customers.retrieve(customer.id).balance == -1_500
    after = client.v1.invoices.create({"customer": customer.id, "currency": "usd"})
    client.v1.invoice_items.create({"customer": customer.id, "invoice": after.id, "amount": 1_000, "currency": "usd"})
    covered = client.v1.invoices.finalize_invoice(after.id)
    assert (covered.status, covered.amount_due, covered.starting_balance) == ("paid", 0, -1_500)
    assert client.v1.customers.retrieve(customer.id).balance == -500
    moves = client.v1.customers.balance_transactions.list(customer.id).data
    assert [move.amount for move in moves] == [1_000, -1_500]


def test_intents_charges_refunds_and_balance_transactions_foot(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": 10_000,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "expand": ["latest_charge.balance_transaction"],
        }
    ).to_dict()
    entry = intent["latest_charge"]["balance_transaction"]
    assert (entry["amount"], entry["fee"], entry["net"], entry["type"]) == (10_000, 320, 9_680, "charge")
    charge_id = intent["latest_charge"]["id"]
    refund = client.v1.refunds.create({"payment_intent": intent["id"], "amount": 4_000})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"charge": charge_id, "amount": 6_001})
    client.v1.refunds.create({"charge": charge_id})
    charge = client.v1.charges.retrieve(charge_id)
    assert (charge.amount_refunded, charge.refunded) == (10_000, True)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": charge_id})
    assert caught.value.code == "charge_already_refunded"
    entries = client.v1.balance_transactions.list({"source": refund.id}).data
    assert [(item.net, item.type) for item in entries] == [(-4_000, "refund")]
    assert len(client.v1.refunds.list({"charge": charge_id}).data) == 2


def test_manual_capture_takes_part_of_the_amount(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": 5_000,
            "currency": "gbp",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "capture_method": "manual",
        }
    )
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 5_000)
    captured = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3_000})
    assert (captured.status, captured.amount_received) == ("succeeded", 3_000)


def test_dispute_takes_the_money_and_can_be_answered(client: stripe.StripeClient) -> None:
    charge = client.v1.charges.create({"amount": 8_000, "currency": "usd", "source": "tok_createDispute"})
    assert charge.disputed
    dispute = client.v1.disputes.list({"charge": charge.id}).data[0]
    assert dispute.status == "needs_response" and dispute.evidence_details.due_by
    assert [entry.amount for entry in dispute.balance_transactions] == [-8_000]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": charge.id})
    assert caught.value.code == "charge_disputed"
    answered = client.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Acme"}})
    assert answered.status == "under_review"
    assert client.v1.disputes.close(dispute.id).status == "lost"
    kinds = [event.type for event in client.v1.events.list({"limit": 6}).data]
    assert kinds[:2] == ["charge.dispute.closed", "charge.dispute.updated"]


@pytest.mark.parametrize(
    ("currency", "amount", "fee"), [("jpy", 1_000, 36), ("kwd", 5_120, 150), ("usd", 1_000, 59), ("eur", 50, 31)]
)
def test_zero_and_three_decimal_currencies(client: stripe.StripeClient, currency: str, amount: int, fee: int) -> None:
    charge = client.v1.charges.create({"amount": amount, "currency": currency, "expand": ["balance_transaction"]})
    entry = charge.to_dict()["balance_transaction"]
    assert (entry["amount"], entry["fee"], entry["net"], entry["currency"]) == (amount, fee, amount - fee, currency)


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 49), ("usd", 49), ("kwd", 5_125), ("kwd", 490), ("xyz", 900)])
def test_amounts_that_a_currency_does_not_allow(client: stripe.StripeClient, currency: str, amount: int) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.charges.create({"amount": amount, "currency": currency})


def test_payout_by_hand_needs_available_money(server: Server, client: stripe.StripeClient) -> None:
    client.v1.charges.create({"amount": 10_000, "currency": "cad"})
    balance = client.v1.balance.retrieve()
    assert [entry.amount for entry in balance.pending if entry.currency == "cad"] == [9_680]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payouts.create({"amount": 9_680, "currency": "cad"})
    assert caught.value.code == "balance_insufficient"


def test_search_by_metadata_and_ranges_with_pages(client: stripe.StripeClient) -> None:
    for number in range(5):
        _customer(client, name=f"Searched O'Neil {number}", metadata={"erp_customer": "S1"})
    _customer(client, name="Other", metadata={"erp_customer": "S2"})
    first = client.v1.customers.search({"query": "metadata['erp_customer']:'S1' AND created>1000", "limit": 3})
    assert len(first.data) == 3 and first.next_page
    rest = client.v1.customers.search(
        {"query": "metadata['erp_customer']:'S1' AND created>1000", "page": first.next_page}
    )
    assert len(rest.data) == 2 and rest.next_page is None
    assert len(client.v1.customers.search({"query": r"name~'o\'neil' -name~'neil 1'"}).data) == 4
    either = client.v1.customers.search({"query": 'metadata["erp_customer"]:"S1" OR metadata["erp_customer"]:"S2"'})
    assert len(either.data) == 6
    for query in ("nonsense", "iban:'1'", "name:'a' AND name:'b' OR name:'c'"):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.customers.search({"query": query})


def test_every_accepted_write_is_journalled_once_per_record(server: Server, client: stripe.StripeClient) -> None:
    seen = len(server.context.journal.entries("stripe"))
    customer = _customer(client)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.create({"nonsense": 1})
    client.v1.customers.update(customer.id, {"name": "Acme 2"})
    client.v1.customers.delete(customer.id)
    entries = server.context.journal.entries("stripe")[seen:]
    assert [(entry["operation"], entry["object"], entry["key"]) for entry in entries] == [
        ("create", "customer", customer.id),
        ("update", "customer", customer.id),
        ("delete", "customer", customer.id),
    ]
    assert all(entry["request_id"].startswith("req_") for entry in entries)
