"""What others do in the CRM to what arsync owns is put right and told once, with who and when."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.fixtures.acceptance import Scene, assert_agreed
from tests.fixtures.crm_user import CrmUser, ourselves, somebody

pytestmark = pytest.mark.slow(shares="an installation after its first sync")

INVOICE, BALANCE = "AR_Invoice__c", "AR_Account_Balance__c"


@pytest.fixture(scope="module")
def user(synced: Scene) -> Iterator[CrmUser]:
    with somebody(synced.sandbox) as found:
        yield found


def findings(scene: Scene, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scene.expect("drift", "--json", "--limit", "0", *arguments).data["findings"]
    return found


def invoices(user: CrmUser, where: str) -> list[dict[str, Any]]:
    fields = "Id, External_Id__c, Open_Amount__c, Account__c, LastModifiedById"
    return user.query(f"SELECT {fields} FROM {INVOICE} WHERE {where} ORDER BY External_Id__c")


def test_edits_and_deletes_are_put_right_once_and_the_crm_keeps_its_own(synced: Scene, user: CrmUser) -> None:
    first, second, third = invoices(user, "Open_Amount__c > 0")[:3]
    balance = user.query(f"SELECT Id, External_Id__c FROM {BALANCE} ORDER BY Id LIMIT 1")[0]
    user.edit(INVOICE, first["Id"], Open_Amount__c=1, Status__c="paid")
    with ourselves(synced.sandbox) as script:
        script.edit(INVOICE, second["Id"], Open_Amount__c=2)
    user.edit("Account", first["Account__c"], Phone="+49 30 5550", AR_Open_Balance__c=0)
    user.delete(INVOICE, third["Id"])
    user.delete(BALANCE, balance["Id"])
    end = synced.journal_end()

    synced.sync()

    pushed = {(w["object"], w["key"]): w for w in synced.writes(end)}
    assert len(pushed) == len(synced.writes(end)) == 5
    found = {(f["object"], f["business_key"]): f for f in findings(synced)}
    assert len(found) == 5
    told = found["invoice", first["External_Id__c"]]
    assert (told["by_id"], told["by"], told["is_own_user"], told["changed_at"] is not None) == (
        user.user_id, user.name, False, True
    )  # fmt: skip
    assert (told["kind"], told["action"], told["intent_state"]) == ("edited", "restored", "acknowledged")
    assert {name: f["observed"] for name, f in told["fields"].items()} == {"open_amount": "1.00", "status": "paid"}
    assert Decimal(told["fields"]["open_amount"]["acknowledged"]) == Decimal(str(first["Open_Amount__c"]))
    own = found["invoice", second["External_Id__c"]]
    assert own["is_own_user"] and own["action"] == "restored", "whoever it was, it is not what we had acknowledged"
    for key in (("invoice", third["External_Id__c"]), ("account_balance", balance["External_Id__c"])):
        assert (found[key]["kind"], found[key]["action"], found[key]["by"]) == ("deleted", "recreated", user.name)
    account = found["account", first["Account__c"]]
    assert set(account["fields"]) == {"open_balance"}
    (now,) = user.query(f"SELECT Phone, AR_Open_Balance__c FROM Account WHERE Id = '{first['Account__c']}'")
    assert now["Phone"] == "+49 30 5550" and now["AR_Open_Balance__c"] > 0
    again = invoices(user, f"External_Id__c = '{third['External_Id__c']}'")
    assert len(again) == 1 and again[0]["Id"] != third["Id"]
    with synced.platform().ops.engine.connect() as db:
        reasons = db.exec_driver_sql("select reason, count(*) from push_intent group by reason").all()
    assert {reason: number for reason, number in reasons if reason != "change"} == {"drift": 3, "recreate": 2}

    end = synced.journal_end()
    synced.sync()
    assert synced.writes(end) == [] and len(findings(synced)) == 5
    assert_agreed(synced)
    assert [c for c in synced.expect("cases", "list", "--json").data["cases"] if c["origin"] == "drift"] == []


def test_what_the_crm_owns_is_left_alone(synced: Scene, user: CrmUser) -> None:
    account = user.query("SELECT Id, Name FROM Account ORDER BY Id LIMIT 1")[0]
    before, end = len(findings(synced)), synced.journal_end()
    user.edit("Account", account["Id"], Website="https://theirs.example")
    synced.sync()
    assert [w for w in synced.writes(end) if "Website" not in w["body"]] == []
    assert len(findings(synced)) == before
