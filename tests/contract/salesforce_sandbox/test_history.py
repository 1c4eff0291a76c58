"""Field history: switched on through the Metadata API, written by every door, read by SOQL."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from simple_salesforce import Salesforce

from arsync_pipelines.sandbox.core.world.records import Delta
from arsync_pipelines.sandbox.salesforce.store import Store

from .conftest import Server, account

INVOICE = "AR_Invoice__c"


@pytest.fixture(scope="module")
def mdapi(sf: Salesforce) -> Any:
    from zeep.transports import Transport

    api = sf.mdapi
    api._client.transport = Transport(session=sf.session)
    return api


@pytest.fixture(scope="module")
def tracked(mdapi: Any, invoices: str) -> str:
    """The object of the invoices' history, with some fields tracked, as a read and an update through the library do."""
    whole = mdapi.CustomObject.read(invoices)
    whole.enableHistory, whole.fields = True, []
    mdapi.CustomObject.update(whole)
    names = ("Open_Amount__c", "Due_Date__c", "Disputed__c", "Status__c", "Account__c")
    fields = mdapi.CustomField.read([f"{invoices}.{name}" for name in names])
    for one in fields:
        one.trackHistory = True
    mdapi.CustomField.update(fields)
    return "AR_Invoice__History"


@pytest.fixture(scope="module")
def accounts(mdapi: Any) -> None:
    """Accounts whose names have a history."""
    whole = mdapi.CustomObject.read("Account")
    whole.enableHistory, whole.fields = True, []
    mdapi.CustomObject.update(whole)
    mdapi.CustomField.update([mdapi.CustomField(fullName="Account.Name", label="Account Name", trackHistory=True)])


def rows(sf: Salesforce, record_id: str, history: str = "AR_Invoice__History") -> list[tuple[Any, ...]]:
    names = ("Field", "DataType", "OldValue", "NewValue", "CreatedBy.Name")
    parent = "ParentId" if "__" in history else "AccountId"
    query = f"SELECT {', '.join(names)}, CreatedDate FROM {history} WHERE {parent} = '{record_id}' ORDER BY Id"
    return [
        (one["Field"], one["DataType"], one["OldValue"], one["NewValue"], one["CreatedBy"]["Name"])
        for one in sf.query_all(query)["records"]
    ]


def test_what_a_record_was_and_became_is_told_with_its_type_and_user(sf: Salesforce, tracked: str) -> None:
    account = sf.query("SELECT Id, Name FROM Account ORDER BY Id LIMIT 1")["records"][0]
    made = sf.AR_Invoice__c.create({"External_Id__c": "h-1", "Open_Amount__c": 5, "Group__c": "g"})["id"]
    who = "Integration User"
    assert rows(sf, made) == [("created", "Text", None, None, who)]
    sf.AR_Invoice__c.update(made, {"Open_Amount__c": 7.5, "Disputed__c": True, "Group__c": "untracked"})
    sf.AR_Invoice__c.update(made, {"Open_Amount__c": 7.5, "Due_Date__c": "2026-05-01", "Account__c": account["Id"]})
    assert rows(sf, made)[1:] == [
        ("Open_Amount__c", "Currency", 5.0, 7.5, who),
        ("Disputed__c", "Boolean", False, True, who),
        ("Due_Date__c", "DateOnly", None, "2026-05-01", who),
        ("Account__c", "EntityId", None, account["Id"], who),
        ("Account__c", "Text", None, account["Name"], who),
    ]
    sf.AR_Invoice__c.delete(made)
    assert len(rows(sf, made)) == 6, "deleting leaves no row"


def test_every_door_writes_it_and_what_failed_does_not(sf: Salesforce, http: httpx.Client, tracked: str) -> None:
    made = [sf.AR_Invoice__c.create({"External_Id__c": f"d-{n}", "Status__c": "open"})["id"] for n in range(3)]
    key = {"attributes": {"type": INVOICE}, "Status__c": "one"}
    good, bad = {**key, "External_Id__c": "d-0"}, {**key, "External_Id__c": "d-1", "Due_Date__c": "no date"}
    body = {"allOrNone": False, "records": [good, bad]}
    http.patch(f"/composite/sobjects/{INVOICE}/External_Id__c", json=body).raise_for_status()
    sf.bulk2.AR_Invoice__c.upsert(
        records=[{"External_Id__c": "d-2", "Status__c": "two"}], external_id_field="External_Id__c"
    )
    changed = [[row[3] for row in rows(sf, one) if row[0] == "Status__c"] for one in made]
    assert changed == [["one"], [], ["two"]]
    (csv,) = sf.bulk2.AR_Invoice__History.query(
        f"SELECT NewValue FROM {tracked} WHERE ParentId = '{made[2]}' AND Field = 'Status__c'"
    )
    assert csv.split() == ['"NewValue"', '"two"']


def test_it_is_described_read_only_and_its_values_are_no_filter(
    sf: Salesforce, http: httpx.Client, tracked: str
) -> None:
    shown = http.get(f"/sobjects/{tracked}/describe").json()
    assert [shown[name] for name in ("queryable", "createable", "updateable", "deletable")] == [
        True,
        False,
        False,
        False,
    ]
    fields = {one["name"]: one for one in shown["fields"]}
    assert (fields["NewValue"]["type"], fields["NewValue"]["filterable"]) == ("anyType", False)
    told = {one["value"] for one in fields["Field"]["picklistValues"]}
    assert {"created", "Status__c", "Owner", "Group__c"} <= told, "what can be tracked"
    assert (fields["ParentId"]["relationshipName"], "SystemModstamp" in fields) == ("Parent", False)
    refused = http.get("/query", params={"q": f"SELECT Id FROM {tracked} WHERE NewValue = 'x'"})
    assert refused.status_code == 400 and "can not be filtered" in refused.json()[0]["message"]
    posted = http.post(f"/sobjects/{tracked}", json={"Field": "Status__c"})
    assert posted.status_code == 400 and posted.json()[0]["errorCode"] == "INVALID_TYPE_FOR_OPERATION"
    assert http.get("/sobjects/ContactHistory/describe").status_code == 404, "nobody switched it on"


def test_at_most_twenty_fields_and_only_where_the_object_keeps_history(mdapi: Any, accounts: None) -> None:
    def text(name: str) -> Any:
        return mdapi.CustomField(fullName=name, label="X", type=mdapi.FieldType("Text"), length=255, trackHistory=True)

    with pytest.raises(Exception, match="The entity: Contact does not have history tracking enabled"):
        mdapi.CustomField.upsert([text("Contact.H0__c")])
    for start in (0, 10):
        mdapi.CustomField.upsert([text(f"Account.H{n}__c") for n in range(start, min(start + 10, 19))])
    with pytest.raises(Exception, match="exceeded the allowed number of fields to track on a given entity"):
        mdapi.CustomField.upsert([text("Account.H19__c")])
    mdapi.CustomField.upsert([text("Account.H18__c")])


def test_a_standard_field_goes_by_its_own_name(sf: Salesforce, accounts: None) -> None:
    account = sf.query("SELECT Id, Name FROM Account ORDER BY Id LIMIT 1")["records"][0]
    sf.Account.update(account["Id"], {"Name": "Other"})
    assert rows(sf, account["Id"], "AccountHistory") == [("Name", "Text", account["Name"], "Other", "Integration User")]


def test_the_worlds_edits_are_told_too(sf: Salesforce, server: Server, accounts: None) -> None:
    server.sandbox.project(Delta(crm_accounts=[replace(account(2), name="Renamed")]))
    record_id = server.sandbox.vendor_id("crm_account", 2)
    assert [row[:4:3] for row in rows(sf, record_id, "AccountHistory")] == [("Name", "Renamed")]


def test_history_and_tracking_survive_a_restart(server: Server, tracked: str) -> None:
    again = Store(server.context.state_dir / "salesforce.db", server.context.clock, server.context.journal)
    found, kept = again.find_object(INVOICE), again.find_object(tracked)
    assert found is not None and found.history and found.fields["Status__c"].tracked
    assert kept is not None and again.connection.execute(f'select count(*) from "{kept.table}"').fetchone()[0] > 0
    again.close()
