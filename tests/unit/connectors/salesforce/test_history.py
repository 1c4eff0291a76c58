"""What a look asks of an org's field history, over a scripted org."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.salesforce.sink import SalesforceSink

from .org import Org, soql

RECORD = {
    "Id": "a01", "External_Id__c": "erp:1", "Status__c": "paid", "LastModifiedById": "005B",
    "LastModifiedBy": {"Name": "Bob"}, "LastModifiedDate": "2026-06-01T10:00:00.000+0000", "IsDeleted": False,
}  # fmt: skip


def row(value: Any, by: str, at: str = "2026-06-01T09:00:00.000+0000") -> dict[str, Any]:
    return {
        "ParentId": "a01", "Field": "Status__c", "NewValue": value, "CreatedById": f"005{by}",
        "CreatedBy": {"Name": by}, "CreatedDate": at,
    }  # fmt: skip


class TellingOrg(Org):
    """One invoice, and its history. `told`: fields that history can tell of, None for an org without history."""

    def __init__(self, told: list[str] | None, rows: list[dict[str, Any]], queryable: bool = True) -> None:
        super().__init__(self.answer)
        self.told, self.rows, self.queryable = told, rows, queryable

    def answer(self, request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/sobjects/AR_Invoice__History/describe"):
            if self.told is None:
                return None
            values = [{"value": name} for name in self.told]
            described = {"queryable": self.queryable, "fields": [{"name": "Field", "picklistValues": values}]}
            return httpx.Response(200, json=described)
        records = self.rows if "FROM AR_Invoice__History" in soql(request) else [dict(RECORD)]
        return httpx.Response(200, json={"done": True, "totalSize": len(records), "records": records})

    def asked(self) -> list[str]:
        return [text for r in self.requests if "FROM AR_Invoice__History" in (text := soql(r))]

    def who(self) -> str:
        (seen,) = SalesforceSink(self.api()).look("invoice", ["erp:1"]).values()
        return seen.edits["status"].by if seen.edits else f"{seen.by} of the record"


def test_only_fields_that_history_can_tell_of_are_asked_for_and_the_newest_rows() -> None:
    org = TellingOrg(["created", "Owner", "Status__c", "Open_Amount__c"], [row("paid", "Ada")])
    assert org.who() == "Ada"
    (query,) = org.asked()
    assert "ParentId IN ('a01') AND Field IN ('Open_Amount__c','Status__c')" in query
    assert query.endswith("ORDER BY CreatedDate DESC, Id DESC LIMIT 2000")


@pytest.mark.parametrize(
    "org", [TellingOrg(None, []), TellingOrg(["created", "Owner"], []), TellingOrg(["Status__c"], [], queryable=False)]
)
def test_an_org_that_cannot_tell_of_our_fields_is_not_asked(org: TellingOrg) -> None:
    assert (org.who(), org.asked()) == ("Bob of the record", [])


def test_of_rows_of_one_second_that_which_wrote_what_is_held_counts_and_older_ones_never() -> None:
    later = "2026-06-01T09:30:00.000+0000"
    assert TellingOrg(["Status__c"], [row("open", "Eve"), row("paid", "Ada")]).who() == "Ada"
    assert TellingOrg(["Status__c"], [row("open", "Eve", later), row("paid", "Ada")]).who() == "Bob of the record"
