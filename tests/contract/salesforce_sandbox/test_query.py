"""Queries through the client library: paging, relationships, literals, types, errors."""

from __future__ import annotations

import httpx
import pytest
from simple_salesforce import Salesforce, format_soql
from simple_salesforce.exceptions import SalesforceMalformedRequest

from .conftest import START, Server


def names(sf: Salesforce, where: str) -> list[str]:
    return [one["Name"] for one in sf.query_all(f"SELECT Name FROM Account WHERE {where} ORDER BY Name")["records"]]


def test_a_record_has_its_attributes_and_exact_types(sf: Salesforce, server: Server) -> None:
    found = sf.query(
        "SELECT id, Name, IsDeleted, AccountId, Account.Name, Account.Owner.Name, Amount, closedate, IsWon,"
        " SystemModstamp FROM Opportunity"
    )
    opportunity = server.sandbox.vendor_id("crm_opportunity", 1)
    account = server.sandbox.vendor_id("crm_account", 1)
    record = found["records"][0]
    assert found["totalSize"] == 1 and found["done"] is True and "nextRecordsUrl" not in found
    assert record["attributes"] == {
        "type": "Opportunity",
        "url": f"/services/data/v66.0/sobjects/Opportunity/{opportunity}",
    }
    assert list(record)[1:] == [
        "Id", "Name", "IsDeleted", "AccountId", "Account", "Amount", "CloseDate", "IsWon", "SystemModstamp"
    ]  # fmt: skip
    assert record["Amount"] == 12345.67 and record["CloseDate"] == "2026-05-01" and record["IsWon"] is True
    assert record["SystemModstamp"] == "2026-06-01T08:00:00.000+0000" and record["IsDeleted"] is False
    assert record["Account"]["attributes"]["url"].endswith(account)
    assert record["Account"]["Owner"]["Name"] == "Max Planck"


def test_pages_follow_next_records_url(sf: Salesforce, http: httpx.Client) -> None:
    headers = {"Sforce-Query-Options": "batchSize=200"}
    first = sf.query("SELECT Id FROM Account ORDER BY Id", headers={**sf.headers, **headers})
    assert (first["totalSize"], len(first["records"]), first["done"]) == (448, 200, False)
    assert first["nextRecordsUrl"].endswith("-200")
    rest = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    last = sf.query_more(rest["nextRecordsUrl"].rpartition("/")[2])
    seen = [one["Id"] for page in (first, rest, last) for one in page["records"]]
    assert len(seen) == len(set(seen)) == 448 and last["done"] and "nextRecordsUrl" not in last
    bad = http.get("/query/01g000000000000AAA-2000")
    assert bad.status_code == 400 and bad.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Name = 'acme 007'", ["Acme 007"]),
        ("Name LIKE 'Acme 00_' AND (NOT Name LIKE '%_5') AND Name != 'Acme 001'", 7),
        ("Name IN ('Acme 001', 'Acme 002', 'nobody')", 2),
        ("ERP_Customer_Id__c = null AND Name < 'Acme 010'", ["Acme 003", "Acme 006", "Acme 009"]),
        ("ERP_Customer_Id__c != 'C-0001' AND Name <= 'Acme 004'", ["Acme 002", "Acme 003", "Acme 004"]),
        ("ERP_Customer_Id__c NOT IN ('C-0001') AND Name <= 'Acme 004'", ["Acme 002", "Acme 003", "Acme 004"]),
        ("(NOT ERP_Customer_Id__c = 'C-0001') AND Name <= 'Acme 004'", ["Acme 002", "Acme 003", "Acme 004"]),
        ("Parent.Name = 'Acme 001' AND Owner.Name = 'Ada Lovelace' AND Name <= 'Acme 014'", ["Acme 012", "Acme 014"]),
        (
            "SystemModstamp >= 2026-06-01T08:05:00Z AND SystemModstamp < 2026-06-01T10:07:00+02:00",
            ["Acme 005", "Acme 006"],
        ),
        ("LastModifiedDate < LAST_N_DAYS:3 AND LastModifiedDate = LAST_MONTH AND Name = 'Acme 001'", ["Acme 001"]),
        ("LastModifiedDate = TODAY", []),
        ("Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Hopper')", ["Acme 001"]),
        ("(Name = 'Acme 001' OR Name = 'Acme 002') AND IsDeleted = false", 2),
        ("Name = 'O\\'Neill \\\\ \\u'", None),
    ],
)
def test_filters(sf: Salesforce, where: str, expected: list[str] | int | None) -> None:
    if expected is None:
        with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
            names(sf, where)
    elif isinstance(expected, int):
        assert len(names(sf, where)) == expected
    else:
        assert names(sf, where) == expected


def test_formatted_constants_from_the_library_are_understood(sf: Salesforce) -> None:
    query = format_soql("SELECT Id FROM Account WHERE SystemModstamp > {} AND Name IN {}", START, ["Acme 002", "x'y"])
    assert sf.query(query)["totalSize"] == 1


def test_order_nulls_and_limits(sf: Salesforce) -> None:
    def erp(order: str) -> list[str | None]:
        found = sf.query(f"SELECT ERP_Customer_Id__c FROM Account ORDER BY {order} LIMIT 2")
        return [one["ERP_Customer_Id__c"] for one in found["records"]]

    assert erp("ERP_Customer_Id__c") == [None, None]
    assert erp("ERP_Customer_Id__c ASC NULLS LAST, Id DESC") == ["C-0001", "C-0002"]
    assert erp("ERP_Customer_Id__c DESC") == [None, None]
    assert erp("ERP_Customer_Id__c DESC NULLS LAST") == ["C-0448", "C-0446"]
    offset = sf.query("SELECT Name FROM Account ORDER BY Name LIMIT 2 OFFSET 3")
    assert [one["Name"] for one in offset["records"]] == ["Acme 004", "Acme 005"]


def test_counts_and_groups(sf: Salesforce) -> None:
    assert sf.query("SELECT COUNT() FROM Account WHERE Name LIKE 'Acme 01%'") == {
        "totalSize": 10,
        "done": True,
        "records": [],
    }
    one = sf.query("SELECT COUNT(Id) FROM Account")
    assert one["totalSize"] == 1 and one["records"][0]["expr0"] == 448
    groups = sf.query("SELECT BillingCountry, COUNT(Id) n FROM Account GROUP BY BillingCountry ORDER BY BillingCountry")
    assert [(row["BillingCountry"], row["n"]) for row in groups["records"]] == [("DE", 224), ("US", 224)]


def test_query_all_shows_deleted_and_merged_records(sf: Salesforce, server: Server) -> None:
    where = "SELECT Id, IsDeleted, MasterRecordId FROM Account WHERE IsDeleted = true ORDER BY Id"
    assert sf.query(where)["totalSize"] == 0
    found = sf.query(where, include_deleted=True)["records"]
    master = server.sandbox.vendor_id("crm_account", 1)
    assert [(one["IsDeleted"], one["MasterRecordId"]) for one in found] == [(True, None), (True, master)]
    contacts = sf.query("SELECT AccountId, IsDeleted FROM Contact WHERE LastName != 'Hopper'", include_deleted=True)
    assert {(one["AccountId"], one["IsDeleted"]) for one in contacts["records"]} == {
        (master, False),
        (server.sandbox.vendor_id("crm_account", 449), True),
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Nope__c FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Nope__c", "INVALID_TYPE"),
        ("SELECT Nobody.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("SELECT Id, Id FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE IsDeleted = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY"),
        ("DELETE FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'open", "MALFORMED_QUERY"),
    ],
)
def test_bad_queries_name_their_code(sf: Salesforce, query: str, code: str) -> None:
    with pytest.raises(SalesforceMalformedRequest) as failure:
        sf.query(query)
    assert failure.value.content[0]["errorCode"] == code and failure.value.content[0]["message"]


def test_rows_deleted_between_pages_leave_a_short_page(sf: Salesforce, http: httpx.Client) -> None:
    made = [http.post("/sobjects/Case", json={"Subject": f"s{n}"}).json()["id"] for n in range(210)]
    first = http.get(
        "/query", params={"q": "SELECT Id FROM Case"}, headers={"Sforce-Query-Options": "batchSize=200"}
    ).json()
    http.delete(f"/sobjects/Case/{made[205]}")
    rest = http.get("/query/" + first["nextRecordsUrl"].rpartition("/")[2]).json()
    assert len(rest["records"]) == 9 and rest["done"] and rest["totalSize"] == 210


def test_behind_a_drifting_page_the_others_shift(server: Server, http: httpx.Client) -> None:
    """A plain offset in place of the locator's snapshot: a deletion before it makes the next page skip a record."""
    made = [http.post("/sobjects/Case", json={"Subject": f"d{n:03}"}).json()["id"] for n in range(210)]
    query, pages = (
        {"q": "SELECT Id FROM Case WHERE Subject LIKE 'd%' ORDER BY Subject"},
        {"Sforce-Query-Options": "batchSize=200"},
    )
    first = http.get("/query", params=query, headers=pages).json()
    http.delete(f"/sobjects/Case/{made[0]}")
    following = "/query/" + first["nextRecordsUrl"].rpartition("/")[2]
    server.fault("page_drift", times=1)
    drifted = [one["Id"] for one in http.get(following).json()["records"]]
    calm = [one["Id"] for one in http.get(following).json()["records"]]
    assert (drifted, calm) == (made[201:], made[200:])


def test_faults_of_reading(server: Server, http: httpx.Client) -> None:
    server.fault("ignore_filter", times=1)
    assert (
        http.get("/query", params={"q": "SELECT COUNT() FROM Account WHERE Name = 'Acme 001'"}).json()["totalSize"]
        == 448
    )
    server.fault("drop_column", params={"table": "Account", "column": "Phone"})
    gone = http.get("/query", params={"q": "SELECT Phone FROM Account"})
    assert gone.status_code == 400 and gone.json()[0]["errorCode"] == "INVALID_FIELD"
    assert "Phone" not in {one["name"] for one in http.get("/sobjects/Account/describe").json()["fields"]}
    server.context.faults.remove()
    server.fault("rename_column", params={"table": "Account", "column": "Phone", "to": "Main_Phone__c"})
    server.fault("add_column", params={"table": "Account", "column": "Region__c", "like": "Name"})
    gone = http.get("/query", params={"q": "SELECT Phone FROM Account"})
    assert gone.status_code == 400 and gone.json()[0]["errorCode"] == "INVALID_FIELD"
    record = http.get("/query", params={"q": "SELECT Name, Region__c, Main_Phone__c FROM Account LIMIT 1"}).json()
    (shown,) = record["records"]
    assert shown["Region__c"] == shown["Name"] and "Main_Phone__c" in shown
    described = {one["name"] for one in http.get("/sobjects/Account/describe").json()["fields"]}
    assert {"Region__c", "Main_Phone__c"} < described and "Phone" not in described
    server.context.faults.remove()
    server.fault("grow_enum", params={"table": "Opportunity", "column": "StageName", "value": "Thrilled"}, times=1)
    record = http.get("/query", params={"q": "SELECT StageName FROM Opportunity"}).json()["records"][0]
    assert record["StageName"] == "Thrilled"
    server.fault("retype_column", params={"table": "Opportunity", "column": "Amount"}, times=1)
    record = http.get("/query", params={"q": "SELECT Amount FROM Opportunity"}).json()["records"][0]
    assert record["Amount"] == "12345.67"
