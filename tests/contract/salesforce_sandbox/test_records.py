"""Single records: create, read, change, upsert, delete, their rules and failures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from arsync_pipelines.sandbox.salesforce import ids

from .conftest import Server


def code(answer: httpx.Response) -> str:
    return str(answer.json()[0]["errorCode"])


def test_ids_carry_their_check_characters() -> None:
    assert ids.normalize("001D000000IRFma") == "001D000000IRFmaIAH"  # a pair known from the vendor's documentation
    assert ids.normalize("001D000000IRFmaIAX") is None and ids.normalize("short") is None


def test_create_read_change_delete(sf: Salesforce, server: Server) -> None:
    made = sf.Account.create({"Name": "New Ltd", "AnnualRevenue": 1000.4, "CurrencyIsoCode": "GBP"})
    assert made == {"id": made["id"], "success": True, "errors": []} and ids.normalize(made["id"][:15]) == made["id"]
    found = sf.Account.get(made["id"][:15])
    assert found["Name"] == "New Ltd" and found["AnnualRevenue"] == 1000.0 and found["Phone"] is None
    assert found["Id"] == made["id"] and found["OwnerId"].startswith("005") and found["IsDeleted"] is False
    assert sf.Account.update(made["id"], {"Name": "Newer Ltd", "Phone": ""}) == 204
    assert sf.Account.get(made["id"])["Name"] == "Newer Ltd"
    assert sf.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get(made["id"])
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.Account.delete(made["id"])
    kinds = [one["operation"] for one in server.journal() if one["key"] == made["id"]]
    assert kinds == ["create", "update", "delete"]


@pytest.mark.parametrize(
    ("body", "expected", "fields"),
    [
        ({"Phone": "1"}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ({"Name": "x" * 256}, "STRING_TOO_LONG", ["Name"]),
        ({"Name": "x", "Nope__c": 1}, "INVALID_FIELD", None),
        ({"Name": "x", "AnnualRevenue": "many"}, "JSON_PARSER_ERROR", None),
        ({"Name": "x", "AnnualRevenue": {}}, "JSON_PARSER_ERROR", None),
        ({"Name": "x", "AnnualRevenue": 1e18}, "NUMBER_OUTSIDE_VALID_RANGE", ["AnnualRevenue"]),
        ({"Name": "x", "ParentId": "nonsense"}, "MALFORMED_ID", ["ParentId"]),
        ({"Name": "x", "ParentId": ids.make("001", 99999)}, "INVALID_CROSS_REFERENCE_KEY", ["ParentId"]),
        ({"Name": "x", "ParentId": ids.make("003", 1, ids.WORLD)}, "FIELD_INTEGRITY_EXCEPTION", ["ParentId"]),
        ({"Name": "x", "Parent": {"ERP_Customer_Id__c": "none"}}, "INVALID_FIELD", None),
        ({"Name": "x", "CurrencyIsoCode": "XXX"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["CurrencyIsoCode"]),
        (
            {"Name": "x", "SystemModstamp": "2026-01-01T00:00:00Z"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            ["SystemModstamp"],
        ),
    ],
)
def test_refused_bodies(http: httpx.Client, body: dict[str, Any], expected: str, fields: list[str] | None) -> None:
    answer = http.post("/sobjects/Account", json=body)
    assert answer.status_code == 400 and code(answer) == expected
    assert answer.json()[0].get("fields") == fields


def test_refused_calls(http: httpx.Client) -> None:
    assert code(http.post("/sobjects/Account", content=b"{nope")) == "JSON_PARSER_ERROR"
    plain = http.post("/sobjects/Account", content=b"x", headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert http.get("/sobjects/Nope__c/describe").status_code == 404
    assert http.put("/sobjects/Account").status_code == 405
    assert http.get("/query", params={"q": "SELECT Id FROM Account WHERE Name = '" + "x" * 20000}).status_code == 414


def test_upsert_says_201_then_200_then_300(sf: Salesforce, server: Server, http: httpx.Client, invoices: str) -> None:
    path = f"/sobjects/{invoices}/External_Id__c/NS%2F1"
    body = {"Open_Amount__c": 10.005, "Account__r": {"ERP_Customer_Id__c": "C-0002"}, "Due_Date__c": "2026-07-01"}
    made = http.patch(path, json=body)
    assert made.status_code == 201 and made.json()["created"] is True
    again = http.patch(path, json={"Status__c": "open"})
    assert again.status_code == 200
    assert again.json() == {"id": made.json()["id"], "success": True, "errors": [], "created": False}
    found = sf.AR_Invoice__c.get_by_custom_id("External_Id__c", "NS/1")
    assert (found["Open_Amount__c"], found["Status__c"], found["Disputed__c"]) == (10.01, "open", False)
    assert found["Name"].startswith("INV-0") and found["Account__c"].startswith("001Wd0")
    old = http.patch(f"{server.url}/services/data/v45.0{path}", json={"Status__c": "paid"})
    assert old.status_code == 204 and old.content == b""
    for number in (1, 2):
        http.post(f"/sobjects/{invoices}", json={"External_Id__c": f"G{number}", "Group__c": "same"})
    with pytest.raises(SalesforceMoreThanOneRecord) as several:
        sf.AR_Invoice__c.upsert("Group__c/same", {"Status__c": "x"})
    assert len(several.value.content) == 2 and "/sobjects/AR_Invoice__c/" in several.value.content[0]
    missing = http.patch(f"/sobjects/{invoices}/External_Id__c/none", params={"updateOnly": "true"}, json={})
    assert missing.status_code == 404


def test_upsert_refusals(http: httpx.Client, invoices: str) -> None:
    path = f"/sobjects/{invoices}/External_Id__c/U-1"
    assert code(http.patch(path, json={"External_Id__c": "U-1"})) == "INVALID_FIELD"
    assert http.patch(f"/sobjects/{invoices}/Status__c/U-1", json={}).status_code == 404
    http.patch(path, json={})
    made = http.post(f"/sobjects/{invoices}", json={"External_Id__c": "u-1"})
    assert code(made) == "DUPLICATE_VALUE" and "duplicates value on record with id: a0" in made.json()[0]["message"]


def test_a_change_moves_the_stamp_and_conditions_see_it(server: Server, http: httpx.Client) -> None:
    record = http.post("/sobjects/Account", json={"Name": "Conditional"}).json()["id"]
    path = f"/sobjects/Account/{record}"
    first = http.get(path)
    modified, tag = first.headers["last-modified"], first.headers["etag"]
    assert http.get(path, headers={"If-Modified-Since": modified}).status_code == 304
    assert http.get(path, headers={"If-None-Match": tag}).status_code == 304
    server.context.clock.advance(timedelta(minutes=1))
    assert http.patch(path, json={"Phone": "2"}, headers={"If-Match": tag}).status_code == 204
    assert http.get(path, headers={"If-Modified-Since": modified}).status_code == 200
    stale = http.patch(path, json={"Phone": "3"}, headers={"If-Unmodified-Since": modified})
    assert stale.status_code == 412 and code(stale) == "PRECONDITION_FAILED"
    assert http.delete(path, headers={"If-Match": tag}).status_code == 412


def test_lock_errors_are_400_and_pass(sf: Salesforce, server: Server) -> None:
    account = server.sandbox.vendor_id("crm_account", 5)
    server.fault("lock_row", times=1)
    with pytest.raises(SalesforceMalformedRequest) as locked:
        sf.Account.update(account, {"Phone": "1"})
    assert locked.value.content[0]["errorCode"] == "UNABLE_TO_LOCK_ROW" and locked.value.content[0]["fields"] == []
    assert sf.Account.update(account, {"Phone": "1"}) == 204


def test_deleting_an_account_takes_contacts_and_frees_lookups(
    sf: Salesforce, http: httpx.Client, invoices: str
) -> None:
    account = http.post("/sobjects/Account", json={"Name": "Parent"}).json()["id"]
    contact = http.post("/sobjects/Contact", json={"LastName": "Child", "AccountId": account}).json()["id"]
    invoice = http.post(f"/sobjects/{invoices}", json={"External_Id__c": "L-1", "Account__c": account}).json()["id"]
    sf.Account.delete(account)
    gone = sf.query(f"SELECT IsDeleted FROM Contact WHERE Id = '{contact}'", include_deleted=True)["records"]
    assert gone[0]["IsDeleted"] is True
    assert http.get(f"/sobjects/{invoices}/{invoice}").json()["Account__c"] is None
    refused = http.post("/sobjects/Contact", json={"LastName": "Late", "AccountId": account})
    assert code(refused) == "ENTITY_IS_DELETED"


def test_deleted_and_updated_windows(sf: Salesforce, server: Server, http: httpx.Client) -> None:
    clock = server.context.clock
    start = clock.now()
    made = [http.post("/sobjects/Account", json={"Name": f"W{n}"}).json()["id"] for n in (1, 2)]
    http.delete(f"/sobjects/Account/{made[0]}")
    clock.advance(timedelta(minutes=5))
    end = clock.now()
    gone = sf.Account.deleted(start, end)
    assert [one["id"] for one in gone["deletedRecords"] if one["id"] in made] == [made[0]]
    assert {"earliestDateAvailable", "latestDateCovered"} <= set(gone)
    assert made[1] in sf.Account.updated(start, end)["ids"] and made[0] not in sf.Account.updated(start, end)["ids"]
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_REPLICATION_DATE"):
        sf.Account.deleted(start - timedelta(days=20), end)
    clock.advance(timedelta(days=16))
    query = f"SELECT Id FROM Account WHERE Id = '{made[0]}'"
    assert sf.query(query, include_deleted=True)["totalSize"] == 0  # the recycle bin has forgotten it


def test_describe(sf: Salesforce, invoices: str) -> None:
    everything = sf.describe()
    assert everything is not None and {"Account", "Opportunity", invoices} <= {
        o["name"] for o in everything["sobjects"]
    }
    fields = {one["name"]: one for one in sf.AR_Invoice__c.describe()["fields"]}
    assert fields["External_Id__c"]["externalId"] and fields["External_Id__c"]["unique"]
    assert fields["External_Id__c"]["idLookup"] and fields["External_Id__c"]["length"] == 60
    assert (
        fields["Account__c"]["referenceTo"] == ["Account"] and fields["Account__c"]["relationshipName"] == "Account__r"
    )
    assert (fields["Open_Amount__c"]["type"], fields["Open_Amount__c"]["precision"]) == ("currency", 18)
    assert fields["Disputed__c"]["type"] == "boolean" and not fields["Disputed__c"]["nillable"]
    assert sf.Account.metadata()["objectDescribe"]["keyPrefix"] == "001"
