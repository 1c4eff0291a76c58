"""`arsync trace` of a synced installation: whatever it is asked by, the whole way of a fact, in order of time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from arsync_pipelines.domain.inbox import Event, Hint
from tests.fixtures.acceptance import Scene


def an_invoice(scene: Scene) -> dict[str, Any]:
    rows = scene.published(
        "select invoice.invoice_id, invoice.connection, invoice.source_id, invoice.number from fct_invoice as invoice"
        " inner join int_salesforce__invoice_desired as desired on desired.external_id = invoice.invoice_id"
        " order by 1 limit 1"
    )
    return rows[0]


def kinds(document: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in document["steps"]]


def test_an_invoice_is_traced_from_its_record_to_the_crm(synced: Scene) -> None:
    invoice = an_invoice(synced)
    document = synced.expect("trace", invoice["invoice_id"], "--json").data
    (record,) = document["records"]
    assert (record["connection"], record["stream"], record["record_key"]) == (
        invoice["connection"], "transaction", invoice["source_id"]
    )  # fmt: skip
    assert record["about"]["number"] == invoice["number"]
    assert record["versions"] and all(v["batch_id"] and v["loaded_at"] and v["landed_at"] for v in record["versions"])
    (intent,) = document["intents"]
    assert (intent["business_key"], intent["state"]) == (invoice["invoice_id"], "acknowledged")
    assert "payload" not in intent
    assert [kind for kind in kinds(document) if kind != "audit"] == [
        "loaded", "published", "planned", "attempt", "accepted"
    ]  # fmt: skip
    assert kinds(document).count("audit") >= 2
    times = [datetime.fromisoformat(step["at"]) for step in document["steps"]]
    assert times == sorted(times)
    assert document["notes"] == []
    audited = {step["text"].split(" (")[0] for step in document["steps"] if step["kind"] == "audit"}
    assert audited == {"intent.added", "intent.settled"}


@pytest.mark.parametrize("name", ["correlation_id", "intent_id", "number", "source_id"])
def test_the_same_life_is_found_by_every_name_that_people_have(synced: Scene, name: str) -> None:
    invoice = an_invoice(synced)
    whole = synced.expect("trace", invoice["invoice_id"], "--json").data
    (intent,) = whole["intents"]
    key = {**intent, **invoice}[name]
    document = synced.expect("trace", key, "--json").data
    assert intent["intent_id"] in [one["intent_id"] for one in document["intents"]]
    assert [s for s in whole["steps"] if s not in document["steps"]] == []


def test_an_account_leads_to_the_records_of_its_customer(synced: Scene) -> None:
    (row,) = synced.published(
        "select account_id, customer_id from int_salesforce__account_desired where is_shown order by 1 limit 1"
    )
    document = synced.expect("trace", row["account_id"], "--json").data
    assert {intent["object"] for intent in document["intents"]} == {"account"}
    found = {(r["connection"], r["record_key"]) for r in document["records"]}
    sources = synced.published(
        f"select connection, source_id from bridge_customer_source where customer_id = '{row['customer_id']}'"
    )
    assert found == {(s["connection"], s["source_id"]) for s in sources}
    assert any(r["versions"] for r in document["records"])


def test_an_event_stands_in_the_life_of_its_record(synced: Scene) -> None:
    invoice = an_invoice(synced)
    platform = synced.platform()
    event = Event("evt_traced", "invoice.edit", (Hint("transaction", invoice["source_id"]),), b"{}")
    created = datetime.fromisoformat(synced.expect("trace", invoice["number"], "--json").data["steps"][-1]["at"])
    platform.ops.inbox.store(invoice["connection"], [event], "standard-webhooks-v1", created)
    platform.ops.close()
    for key in ("evt_traced", invoice["number"]):
        document = synced.expect("trace", key, "--json").data
        received = [step for step in document["steps"] if step["kind"] == "received"]
        assert [step["text"].split()[1] for step in received] == ["evt_traced"]
        assert document["records"][0]["record_key"] == invoice["source_id"]


def test_people_get_a_table_and_an_unknown_key_is_said_to_be_unknown(synced: Scene) -> None:
    invoice = an_invoice(synced)
    shown = synced.expect("trace", invoice["number"]).out
    for word in ("loaded", "published", "planned", "attempt", "accepted", "intent.added", invoice["source_id"]):
        assert word in shown
    ended = synced.arsync("trace", "no such thing")
    assert ended.code == 1
    assert "nothing is known of 'no such thing'" in " ".join(ended.err.split())
