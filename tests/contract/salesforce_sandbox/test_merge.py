"""Merging over the Partner API: the loser goes to the recycle bin and names its master, what hung on it follows."""

from __future__ import annotations

import httpx

from .conftest import VERSION, Server

ENVELOPE = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap'
    '.sforce.com"><s:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></s:Header><s:Body><merge>'
    "<request><masterRecord><type>Account</type><Id>{master}</Id></masterRecord><recordToMergeIds>{loser}"
    "</recordToMergeIds></request></merge></s:Body></s:Envelope>"
)


def merge(server: Server, token: str, master: str, loser: str) -> httpx.Response:
    body = ENVELOPE.format(token=token, master=master, loser=loser)
    return httpx.post(f"{server.url}/services/Soap/u/{VERSION}", content=body, headers={"Content-Type": "text/xml"})


def test_a_merged_account_names_its_master_and_its_children_follow(
    server: Server, http: httpx.Client, invoices: str
) -> None:
    master, loser = (http.post("/sobjects/Account", json={"Name": name}).json()["id"] for name in ("One", "Two"))
    invoice = http.post(f"/sobjects/{invoices}", json={"External_Id__c": "m1", "Account__c": loser}).json()["id"]
    answer = merge(server, server.token(), master, loser)
    assert answer.status_code == 200 and "<success>true</success>" in answer.text
    query = f"SELECT IsDeleted, MasterRecordId FROM Account WHERE Id = '{loser}'"
    (gone,) = http.get("/queryAll", params={"q": query}).json()["records"]
    assert (gone["IsDeleted"], gone["MasterRecordId"]) == (True, master)
    assert http.get(f"/sobjects/{invoices}/{invoice}").json()["Account__c"] == master


def test_what_cannot_be_merged_is_refused(server: Server, http: httpx.Client) -> None:
    account = http.post("/sobjects/Account", json={"Name": "Alone"}).json()["id"]
    assert "INVALID_CROSS_REFERENCE_KEY" in merge(server, server.token(), account, account).text
    assert merge(server, "no token", account, account).status_code == 500
