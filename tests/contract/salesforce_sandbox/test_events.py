"""Change events over long polling, and how the world's changes reach the org."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from arsync_pipelines.sandbox.core.world.records import Delta

from .conftest import Server, account


class Subscriber:
    def __init__(self, server: Server, channel: str, replay: int = -1) -> None:
        self._url = f"{server.url}/cometd/66.0"
        self._headers = {"Authorization": f"Bearer {server.token()}"}
        self.client_id = self.post({"channel": "/meta/handshake", "version": "1.0"})[0]["clientId"]
        self.subscribed = self.post(
            {
                "channel": "/meta/subscribe",
                "clientId": self.client_id,
                "subscription": channel,
                "ext": {"replay": {channel: replay}},
            }
        )[0]

    def post(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.post(self._url, json=list(messages), headers=self._headers).json()
        return found

    def take(self, wait_ms: int = 2000) -> list[dict[str, Any]]:
        """Payloads with their replay ids."""
        connect = {"channel": "/meta/connect", "clientId": self.client_id, "connectionType": "long-polling"}
        found = self.post({**connect, "advice": {"timeout": wait_ms}})
        assert found[-1]["channel"] == "/meta/connect" and found[-1]["successful"]
        return [{**one["data"]["payload"], "replayId": one["data"]["event"]["replayId"]} for one in found[:-1]]


def test_an_update_tells_what_changed_and_who(server: Server, http: httpx.Client) -> None:
    subscriber = Subscriber(server, "/data/AccountChangeEvent")
    record = server.sandbox.vendor_id("crm_account", 7)
    options = {"Sforce-Call-Options": "client=arsync"}
    http.patch(f"/sobjects/Account/{record}", json={"Phone": None, "AccountNumber": "A7"}, headers=options)
    event = subscriber.take()[0]
    header = event["ChangeEventHeader"]
    assert header["changeType"] == "UPDATE" and header["recordIds"] == [record] and header["entityName"] == "Account"
    assert header["changeOrigin"] == "com/salesforce/api/rest/66.0;client=arsync"
    assert set(header["changedFields"]) == {"Phone", "AccountNumber", "LastModifiedDate"}
    assert header["nulledFields"] == ["Phone"] and event["AccountNumber"] == "A7" and "Name" not in event


def test_one_event_can_cover_many_records(server: Server, http: httpx.Client) -> None:
    subscriber = Subscriber(server, "/data/ChangeEvents")
    made = [http.post("/sobjects/Account", json={"Name": "Many"}).json()["id"] for _ in range(3)]
    http.delete("/composite/sobjects", params={"ids": ",".join(made)})
    events = subscriber.take()
    assert [one["ChangeEventHeader"]["changeType"] for one in events] == ["CREATE"] * 3 + ["DELETE"]
    assert events[-1]["ChangeEventHeader"]["recordIds"] == made
    assert [one["replayId"] for one in events] == sorted(one["replayId"] for one in events)
    replayed = Subscriber(server, "/data/ChangeEvents", events[1]["replayId"]).take()
    assert [one["replayId"] for one in replayed] == [one["replayId"] for one in events[2:]]


def test_gap_events_carry_no_fields(server: Server, http: httpx.Client) -> None:
    subscriber = Subscriber(server, "/data/AccountChangeEvent")
    httpx.put(f"{server.url}/_sandbox/settings", json={"gap_rate": 1.0})
    http.post("/sobjects/Account", json={"Name": "Gap"})
    httpx.put(f"{server.url}/_sandbox/settings", json={"gap_rate": 0.0})
    event = subscriber.take()[0]
    assert event["ChangeEventHeader"]["changeType"] == "GAP_CREATE" and "Name" not in event


def test_events_may_come_twice(server: Server, http: httpx.Client) -> None:
    subscriber = Subscriber(server, "/data/AccountChangeEvent")
    server.fault("duplicate_webhook", times=1)
    http.post("/sobjects/Account", json={"Name": "Twice"})
    assert len({one["replayId"] for one in subscriber.take()}) == 1


def test_events_may_come_in_the_wrong_order(server: Server, http: httpx.Client) -> None:
    subscriber = Subscriber(server, "/data/AccountChangeEvent")
    server.fault("reorder_webhook", times=1)
    for name in ("First", "Second", "Third"):
        http.post("/sobjects/Account", json={"Name": name})
    events = subscriber.take()
    assert [one["Name"] for one in events] == ["Third", "Second", "First"]
    assert [one["replayId"] for one in events] == sorted((one["replayId"] for one in events), reverse=True)
    http.post("/sobjects/Account", json={"Name": "Fourth"})
    assert [one["Name"] for one in subscriber.take()] == ["Fourth"]


def test_subscriptions_are_checked(server: Server) -> None:
    assert Subscriber(server, "/data/NopeChangeEvent").subscribed["successful"] is False
    assert "replayId" in Subscriber(server, "/data/ChangeEvents", 10**9).subscribed["error"]
    unknown = Subscriber(server, "/data/ChangeEvents").post({"channel": "/meta/connect", "clientId": "x"})[0]
    assert unknown["error"] == "403::Unknown client" and unknown["advice"]["reconnect"] == "handshake"
    assert httpx.post(f"{server.url}/cometd/66.0", json=[]).status_code == 401


def test_the_world_changes_what_clients_have_not_written(server: Server, http: httpx.Client) -> None:
    subscriber = Subscriber(server, "/data/AccountChangeEvent")
    record = server.sandbox.vendor_id("crm_account", 9)
    http.patch(f"/sobjects/Account/{record}", json={"ERP_Customer_Id__c": "C-FROM-API"})
    later = server.context.clock.now() + timedelta(seconds=5)
    changed = account(9, name="Acme renamed", updated_at=later)
    server.sandbox.project(Delta(crm_accounts=[changed]))
    found = http.get(f"/sobjects/Account/{record}").json()
    assert found["Name"] == "Acme renamed" and found["ERP_Customer_Id__c"] == "C-FROM-API"
    assert found["SystemModstamp"] == later.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    events = subscriber.take()
    assert events[1]["Name"] == "Acme renamed" and events[1]["ChangeEventHeader"]["changeOrigin"] == ""
    server.sandbox.project(Delta(crm_accounts=[changed]))
    assert subscriber.take(0) == [] and http.get(f"/sobjects/Account/{record}").json() == found


def test_a_merge_moves_the_children(server: Server, http: httpx.Client, invoices: str) -> None:
    loser, master = (server.sandbox.vendor_id("crm_account", number) for number in (21, 22))
    body = {"External_Id__c": "MERGE-1", "Account__c": loser}
    invoice = http.post(f"/sobjects/{invoices}", json=body).json()["id"]
    merged = account(21, merged_into=22, updated_at=server.context.clock.now())
    server.sandbox.project(Delta(crm_accounts=[merged]))
    assert http.get(f"/sobjects/Account/{loser}").status_code == 404
    query = {"q": f"SELECT MasterRecordId FROM Account WHERE Id = '{loser}'"}
    assert http.get("/queryAll", params=query).json()["records"][0]["MasterRecordId"] == master
    assert http.get(f"/sobjects/{invoices}/{invoice}").json()["Account__c"] == master


def test_world_ids(server: Server) -> None:
    prefixes = {"crm_account": "001", "crm_contact": "003", "crm_opportunity": "006", "employee": "005"}
    for record_type, prefix in prefixes.items():
        assert server.sandbox.vendor_id(record_type, 12).startswith(prefix)
    with pytest.raises(KeyError):
        server.sandbox.vendor_id("invoice", 1)


def test_injected_failures_have_the_vendor_shape(server: Server, http: httpx.Client) -> None:
    server.fault("error", times=1, params={"status": [503]})
    answer = http.get("/limits")
    assert answer.status_code == 503 and answer.json()[0]["errorCode"] == "SERVER_UNAVAILABLE"
