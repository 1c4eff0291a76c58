"""What each vendor's receiving end takes, what it refuses, and what it says is to be read again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from pydantic import ValidationError

from arsync_pipelines.connectors.netsuite.options import NetSuiteOptions
from arsync_pipelines.connectors.netsuite.spec import STREAMS as NETSUITE_STREAMS
from arsync_pipelines.connectors.netsuite.webhook import STREAMS_OF
from arsync_pipelines.connectors.registry import CONNECTORS
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.connectors.stripe.options import StripeOptions
from arsync_pipelines.domain.errors import (
    ArsyncError,
    ConfigError,
    WebhookForged,
    WebhookStale,
    WebhookUnreadable,
)
from arsync_pipelines.domain.inbox import Hint
from arsync_pipelines.ports.webhook import Posted, Told, Webhook
from tests.fixtures.webhooks import (
    OLD_SECRET,
    SECRET,
    SHARED,
    as_json,
    outbound,
    reveal,
    standard_headers,
    stripe_event,
    stripe_headers,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = NOW.timestamp()


def secrets(*names: str) -> dict[str, Any]:
    return {"secrets": [{"env": name} for name in names]}


def stripe_webhook(account: str = "", **table: Any) -> Webhook:
    values = {"api_key": {"env": "key"}, "account": account, "webhook": table or secrets("new", "old")}
    made = CONNECTORS["stripe"].webhook
    assert made is not None
    webhook = made("pay", StripeOptions.model_validate(values), reveal)
    assert webhook is not None
    return webhook


def netsuite_webhook() -> Webhook:
    auth = {"method": "tba", **{n: {"env": "key"} for n in ("consumer_key", "consumer_secret", "token_id")}}
    values = {
        "account": "1234567", "time_zone": "UTC", "auth": {**auth, "token_secret": {"env": "key"}},
        "webhook": secrets("shared"),
    }  # fmt: skip
    made = CONNECTORS["netsuite"].webhook
    assert made is not None
    webhook = made("erp", NetSuiteOptions.model_validate(values), reveal)
    assert webhook is not None
    return webhook


def salesforce_options(**table: Any) -> SalesforceOptions:
    auth = {"method": "client_credentials", "client_id": {"env": "key"}, "client_secret": {"env": "key"}}
    return SalesforceOptions.model_validate({"base_url": "https://acme.example", "auth": auth, "webhook": table})


def salesforce_webhook() -> Webhook:
    made = CONNECTORS["salesforce"].webhook
    assert made is not None
    tokens = {"outbound_tokens": [{"env": "new"}], "organization_id": "00D000000000001EAA"}
    webhook = made("crm", salesforce_options(**secrets("shared"), **tokens), reveal)
    assert webhook is not None
    return webhook


def verify(webhook: Webhook, body: bytes, headers: Mapping[str, str], query: Mapping[str, str] | None = None) -> Told:
    return webhook.verify(Posted(headers, query or {}, body), NOW)


def hints(told: Told) -> list[tuple[str, str]]:
    return [(hint.stream, hint.record_key) for event in told.events for hint in event.hints]


def test_stripe_takes_what_stripes_own_library_takes() -> None:
    body = stripe_event("1")
    assert stripe.Webhook.construct_event(body, stripe_headers(body)["stripe-signature"], SECRET).id == "evt_1"
    told = verify(stripe_webhook(), body, stripe_headers(body, AT))
    (event,) = told.events
    assert (told.signature, event.event_id, event.kind, event.hints) == (
        "stripe-v1", "evt_1", "invoice.updated", (Hint("invoice", "in_1"),)
    )  # fmt: skip


def test_stripe_signatures_hold_with_either_secret_while_one_is_replaced() -> None:
    body = stripe_event("1")
    for headers in (
        stripe_headers(body, AT, OLD_SECRET),
        stripe_headers(body, AT, "whsec_unknown", OLD_SECRET),
        stripe_headers(body, AT, SECRET, OLD_SECRET),
    ):
        assert verify(stripe_webhook(), body, headers).events
    with pytest.raises(WebhookForged):
        verify(stripe_webhook(**secrets("new")), body, stripe_headers(body, AT, OLD_SECRET))


BODY = stripe_event("1")


@pytest.mark.parametrize(
    "header",
    [
        "", "t=1", "v1=00", f"t={int(AT)},v1=", f"t={int(AT)},v1=" + "0" * 64,
        stripe_headers(BODY, AT)["stripe-signature"].replace("v1=", "v0="),
        stripe_headers(BODY, AT, "whsec_" + "00" * 24)["stripe-signature"],
        stripe_headers(BODY + b" ", AT)["stripe-signature"],
        stripe_headers(BODY, AT)["stripe-signature"].replace("t=", "t=9"),
        "t=nan,v1=" + "0" * 64, "t=" + "9" * 40 + ",v1=00", "t=\u0662,v1=00", "t=1,v1=\u00e9",
    ],
)  # fmt: skip
def test_stripe_refuses_what_is_not_signed(header: str) -> None:
    with pytest.raises(WebhookForged) as refused:
        verify(stripe_webhook(), BODY, {"stripe-signature": header})
    assert SECRET not in str(refused.value) and OLD_SECRET not in str(refused.value)


def test_stripe_limits_age_towards_the_past_only() -> None:
    assert verify(stripe_webhook(), BODY, stripe_headers(BODY, AT - 300)).events
    assert verify(stripe_webhook(), BODY, stripe_headers(BODY, AT + 3000)).events
    with pytest.raises(WebhookStale):
        verify(stripe_webhook(), BODY, stripe_headers(BODY, AT - 301))
    short = stripe_webhook(**secrets("new"), tolerance_s=10)
    with pytest.raises(WebhookStale):
        verify(short, BODY, stripe_headers(BODY, AT - 11))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"id": 5, "type": "x"}', b'{"id": "e"}', b"[" * 100_000])
def test_stripe_says_when_a_signed_body_is_no_event(body: bytes) -> None:
    with pytest.raises(WebhookUnreadable):
        verify(stripe_webhook(), body, stripe_headers(body, AT))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (stripe_event("1", "charge.dispute.created", object="dispute", charge="ch_1"),
         [("dispute", "in_1"), ("charge", "ch_1")]),
        (stripe_event("1", "refund.created", object="refund", charge="ch_1"), [("refund", "in_1"), ("charge", "ch_1")]),
        (stripe_event("1", "payout.paid", object="payout"), [("payout", "in_1"), ("payout_transaction", "in_1")]),
        (stripe_event("1", "radar.early_fraud_warning.created", object="radar"), []),
        (as_json({"id": "evt_1", "type": "invoice.paid", "data": "?"}), []),
    ],
)  # fmt: skip
def test_stripe_names_every_object_that_an_event_touches(body: bytes, found: list[tuple[str, str]]) -> None:
    assert hints(verify(stripe_webhook(), body, stripe_headers(body, AT))) == found


def test_stripe_ignores_events_of_another_account() -> None:
    event = {"id": "evt_1", "type": "customer.updated", "data": {"object": {"id": "cus_1", "object": "customer"}}}
    for account, told_of, found in (("acct_1", "acct_1", 1), ("", "acct_1", 0), ("acct_1", "", 0), ("", "", 1)):
        body = as_json({**event, **({"account": told_of} if told_of else {})})
        told = verify(stripe_webhook(account), body, stripe_headers(body, AT))
        assert (len(told.events), len(hints(told))) == (1, found)


def test_netsuite_reads_what_its_script_signed() -> None:
    body = as_json({"type": "record.edit", "data": {"recordType": "invoice", "id": "4711"}})
    told = verify(netsuite_webhook(), body, standard_headers("msg_1", body, AT))
    assert (told.signature, told.events[0].event_id, told.events[0].kind) == (
        "standard-webhooks-v1", "msg_1", "invoice.edit"
    )  # fmt: skip
    assert hints(told) == [(stream, "4711") for stream in STREAMS_OF["invoice"]]
    gone = as_json({"type": "record.delete", "data": {"recordType": "customer", "id": 5}})
    found = hints(verify(netsuite_webhook(), gone, standard_headers("msg_2", gone, AT)))
    assert found == [("customer", "5"), ("deleted_record", "5")]
    named = {stream for streams in STREAMS_OF.values() for stream in streams} | {"deleted_record"}
    assert named <= {spec.name for spec in NETSUITE_STREAMS}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"webhook-id": "msg_2"}, WebhookForged),
        ({"webhook-id": ""}, WebhookForged),
        ({"webhook-id": "a.b"}, WebhookForged),
        ({"webhook-timestamp": str(int(AT) + 1)}, WebhookForged),
        ({"webhook-timestamp": "-1"}, WebhookForged),
        ({"webhook-signature": "v1,AAAA"}, WebhookForged),
        ({"webhook-signature": "v1a,AAAA v2,BBBB nonsense"}, WebhookForged),
        ({"webhook-signature": ""}, WebhookForged),
    ],
)
def test_netsuite_refuses_what_is_not_signed(change: dict[str, str], error: type[ArsyncError]) -> None:
    body = as_json({"type": "record.edit", "data": {"recordType": "invoice", "id": "4711"}})
    with pytest.raises(error) as refused:
        verify(netsuite_webhook(), body, standard_headers("msg_1", body, AT) | change)
    assert SHARED not in str(refused.value)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_netsuite_refuses_what_is_too_old_or_from_the_future(seconds: int) -> None:
    body = as_json({"type": "record.edit", "data": {"recordType": "invoice", "id": "4711"}})
    with pytest.raises(WebhookStale):
        verify(netsuite_webhook(), body, standard_headers("msg_1", body, AT + seconds))


@pytest.mark.parametrize(
    "told", [{}, {"type": "x"}, {"type": "x", "data": []}, {"type": 5, "data": {"recordType": "a"}}]
)
def test_netsuite_says_when_a_signed_body_is_not_what_the_script_sends(told: dict[str, Any]) -> None:
    body = as_json(told)
    with pytest.raises(WebhookUnreadable):
        verify(netsuite_webhook(), body, standard_headers("msg_1", body, AT))


def change_event(entity: str, *records: str, kind: str = "UPDATE", **more: Any) -> bytes:
    header = {"entityName": entity, "recordIds": list(records), "changeType": kind, **more}
    return as_json({"payload": {"ChangeEventHeader": header, "Phone": "1"}, "event": {"replayId": 7}})


@pytest.mark.parametrize(
    ("body", "event_id", "found"),
    [
        (change_event("Account", "001A", "001B", transactionKey="k", sequenceNumber=1), "k:1",
         [("account", "001A"), ("account", "001B")]),
        (change_event("AR_Invoice__c", "a01A"), "msg_1", [("ar_invoice", "a01A")]),
        (change_event("Account", "001*", kind="GAP_OVERFLOW"), "msg_1", [("account", "")]),
        (change_event("Account", *(f"001{n:015}" for n in range(1001))), "msg_1", [("account", "")]),
        (change_event("Lead", "00QA"), "msg_1", []),
        (change_event("Account", "001A", changeOrigin="com/salesforce/api/rest/66.0;client=arsync"), "msg_1", []),
        (change_event("Account", "001A", changeOrigin="com/salesforce/api/rest/66.0;client=other"), "msg_1",
         [("account", "001A")]),
    ],
)  # fmt: skip
def test_salesforce_reads_signed_change_events(body: bytes, event_id: str, found: list[tuple[str, str]]) -> None:
    told = verify(salesforce_webhook(), body, standard_headers("msg_1", body, AT))
    assert ([e.event_id for e in told.events], hints(told)) == ([event_id], found)


def test_salesforce_acknowledges_outbound_messages_with_its_token_only() -> None:
    body = outbound(("04l1", "Account", "001A"), ("04l2", "Lead", "00QA"), ("04l3", "", ""))
    told = verify(salesforce_webhook(), body, {}, {"token": SECRET})
    assert told.signature == "outbound-message-token"
    assert [e.event_id for e in told.events] == ["04l1", "04l2", "04l3"]
    assert hints(told) == [("account", "001A")]
    assert b"<Ack>true</Ack>" in told.answer and told.media_type.startswith("text/xml")
    for query in ({}, {"token": ""}, {"token": SHARED}):
        with pytest.raises(WebhookForged):
            verify(salesforce_webhook(), body, {}, query)
    with pytest.raises(WebhookForged):
        verify(salesforce_webhook(), outbound(("04l1", "Account", "001A"), org="00D000000000002EAA"), {},
               {"token": SECRET})  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<a>", b"<a/>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', outbound(("", "Account", "001A")),
    ],
)  # fmt: skip
def test_salesforce_says_when_a_message_cannot_be_read(body: bytes) -> None:
    with pytest.raises(WebhookUnreadable):
        verify(salesforce_webhook(), body, {}, {"token": SECRET})


@pytest.mark.parametrize("told", [{}, {"payload": {}}, {"ChangeEventHeader": {"entityName": "Account"}}])
def test_salesforce_says_when_a_signed_body_is_no_change_event(told: dict[str, Any]) -> None:
    body = as_json(told)
    with pytest.raises(WebhookUnreadable):
        verify(salesforce_webhook(), body, standard_headers("msg_1", body, AT))


def test_a_webhook_table_that_cannot_work_is_refused() -> None:
    for table in ({}, {"outbound_tokens": [{"env": "new"}]}, {"organization_id": "00D000000000001EAA"}):
        with pytest.raises(ValidationError):
            salesforce_options(**table)
    with pytest.raises(ValidationError):
        stripe_webhook(secrets=[])


def test_a_secret_that_cannot_be_had_is_our_trouble_and_not_a_forgery() -> None:
    body = stripe_event("1")
    for name in ("missing", "short"):
        with pytest.raises(ConfigError):
            verify(stripe_webhook(**secrets(name)), body, stripe_headers(body, AT))


def test_without_a_table_nothing_is_taken() -> None:
    made = CONNECTORS["stripe"].webhook
    assert made is not None
    assert made("pay", StripeOptions.model_validate({"api_key": {"env": "key"}}), reveal) is None
    assert CONNECTORS["files"].webhook is None


def test_an_age_is_measured_by_the_clock_given() -> None:
    later = NOW + timedelta(days=1)
    body = stripe_event("1")
    with pytest.raises(WebhookStale):
        stripe_webhook().verify(Posted(stripe_headers(body, AT), {}, body), later)
