"""Custom objects and fields, made through the Metadata API (the client library's SOAP) and the Tooling API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from simple_salesforce import Salesforce

from .conftest import Server


@pytest.fixture(scope="module")
def mdapi(sf: Salesforce) -> Any:
    # the library hands its own requests session to no one here: the service posts through zeep's transport
    from zeep.transports import Transport

    api = sf.mdapi
    api._client.transport = Transport(session=sf.session)
    return api


def ledger(mdapi: Any, name: str = "AR_Ledger__c") -> Any:
    return mdapi.CustomObject(
        fullName=name,
        label="AR Ledger",
        pluralLabel="AR Ledgers",
        nameField=mdapi.CustomField(label="Name", type=mdapi.FieldType("Text")),
        deploymentStatus=mdapi.DeploymentStatus("Deployed"),
        sharingModel=mdapi.SharingModel("ReadWrite"),
    )


def key_field(mdapi: Any, name: str = "AR_Ledger__c.Key__c", **changes: Any) -> Any:
    values = {"label": "Key", "type": mdapi.FieldType("Text"), "length": 40, "externalId": True, "unique": True}
    return mdapi.CustomField(fullName=name, **(values | changes))


def test_the_client_library_creates_reads_upserts_deletes(mdapi: Any, sf: Salesforce, server: Server) -> None:
    mdapi.CustomObject.create(ledger(mdapi))
    mdapi.CustomField.create([key_field(mdapi)])
    with pytest.raises(Exception, match="DUPLICATE_DEVELOPER_NAME"):
        mdapi.CustomField.create([key_field(mdapi)])
    amount = mdapi.CustomField(
        fullName="Account.AR_Open__c", label="Open", type=mdapi.FieldType("Currency"), precision=18, scale=2
    )
    for _ in range(2):
        mdapi.CustomField.upsert([amount])
    lookup = mdapi.CustomField(
        fullName="AR_Ledger__c.Account__c",
        label="Account",
        type=mdapi.FieldType("Lookup"),
        referenceTo="Account",
        relationshipName="Ledgers",
    )
    mdapi.CustomField.create([lookup])
    read = mdapi.CustomField.read("AR_Ledger__c.Key__c")
    assert (read.length, read.unique, read.externalId, read.type) == (40, True, True, "Text")
    whole = mdapi.CustomObject.read("AR_Ledger__c")
    assert whole.label == "AR Ledger" and {one.fullName for one in whole.fields} == {"Key__c", "Account__c"}
    made = sf.AR_Ledger__c.create({"Name": "one", "Key__c": "k", "Account__r": {"ERP_Customer_Id__c": "C-0001"}})
    assert sf.query("SELECT Account__r.AR_Open__c FROM AR_Ledger__c")["records"][0]["Account__r"]["AR_Open__c"] is None
    assert sf.AR_Ledger__c.upsert("Key__c/k", {"Name": "two"}) == 200 and made["id"].startswith("a0")
    mdapi.CustomField.delete(["Account.AR_Open__c"])
    assert "AR_Open__c" not in {one["name"] for one in sf.Account.describe()["fields"]}
    kinds = {(one["operation"], one["object"], one["key"]) for one in server.journal()}
    assert ("create", "CustomField", "AR_Ledger__c.Key__c") in kinds and (
        "delete",
        "CustomField",
        "Account.AR_Open__c",
    ) in kinds


def test_bad_components_leave_nothing_behind(mdapi: Any, sf: Salesforce, http: httpx.Client) -> None:
    bad = ledger(mdapi, "AR_Bad__c")
    bad.fields = [mdapi.CustomField(fullName="X__c", label="X", type=mdapi.FieldType("Text"))]
    with pytest.raises(Exception, match="length"):
        mdapi.CustomObject.create(bad)
    assert http.get("/sobjects/AR_Bad__c/describe").status_code == 404
    with pytest.raises(Exception, match="does not resolve"):
        mdapi.CustomField.create(
            [mdapi.CustomField(fullName="Account.L__c", label="L", type=mdapi.FieldType("Lookup"), referenceTo="No__c")]
        )
    with pytest.raises(Exception, match="LIMIT_EXCEEDED"):
        mdapi.CustomField.create([key_field(mdapi, f"Account.K{n}__c") for n in range(11)])


def test_a_stale_session_is_a_soap_fault(server: Server) -> None:
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata">'
        "<e:Header><SessionHeader><sessionId>no</sessionId></SessionHeader></e:Header>"
        "<e:Body><readMetadata><type>CustomField</type></readMetadata></e:Body></e:Envelope>"
    )
    url = f"{server.url}/services/Soap/m/66.0"
    answer = httpx.post(url, content=body, headers={"Content-Type": "text/xml", "SOAPAction": '""'})
    assert answer.status_code == 500 and "sf:INVALID_SESSION_ID" in answer.text
    doctype = httpx.post(url, content='<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    assert doctype.status_code == 500 and "not allowed" in doctype.text


def test_tooling_makes_a_field(http: httpx.Client, sf: Salesforce) -> None:
    body = {
        "FullName": "Account.AR_Days__c",
        "Metadata": {"label": "Days", "type": "Number", "precision": 5, "scale": 1, "required": False},
    }
    made = http.post("/tooling/sobjects/CustomField", json=body)
    assert made.status_code == 201 and made.json()["success"] is True and made.json()["id"].startswith("00N")
    again = http.post("/tooling/sobjects/CustomField", json=body)
    assert again.status_code == 400 and again.json()[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"
    account = sf.query("SELECT Id FROM Account LIMIT 1")["records"][0]["Id"]
    assert sf.Account.update(account, {"AR_Days__c": 12.25}) == 204
    assert sf.query("SELECT AR_Days__c FROM Account WHERE AR_Days__c > 12")["records"][0]["AR_Days__c"] == 12.3
    unknown = http.post("/tooling/sobjects/CustomField", json={**body, "FullName": "Nope__c.X__c"})
    assert unknown.status_code == 400


def test_an_object_survives_a_restart(server: Server, invoices: str) -> None:
    from arsync_pipelines.sandbox.salesforce.store import Store

    again = Store(server.context.state_dir / "salesforce.db", server.context.clock, server.context.journal)
    found = again.find_object(invoices)
    assert found is not None and found.fields["External_Id__c"].unique and found.auto_number == "INV-{0000}"
    again.close()
