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
        script.edit("Account", first["Account__c"], Website="https://ours.example")
    user.delete(INVOICE, third["Id"])
    user.delete(BALANCE, balance["Id"])
    untouched = user.query(f"SELECT Id FROM Account WHERE Id != '{first['Account__c']}' ORDER BY Id LIMIT 1")[0]["Id"]
    user.edit("Account", untouched, Website="https://theirs.example")
    end = synced.journal_end()

    synced.sync()

    pushed = {(w["object"], w["key"]) for w in synced.writes(end)}
    assert len(synced.writes(end)) == 5 and ("Account", untouched) not in pushed
    found = {(f["object"], f["business_key"]): f for f in findings(synced)}
    assert len(found) == 5
    told = found["invoice", first["External_Id__c"]]
    assert (told["by_id"], told["by"], told["is_own_user"], told["changed_at"] is not None) == (
        user.user_id, user.name, False, True
    )  # fmt: skip
    assert (told["kind"], told["action"], told["intent_state"]) == ("edited", "restored", "acknowledged")
    seen = {name: f["observed"] for name, f in told["fields"].items()}
    assert (Decimal(seen.pop("open_amount")), seen) == (1, {"status": "paid"})
    assert Decimal(told["fields"]["open_amount"]["acknowledged"]) == Decimal(str(first["Open_Amount__c"]))
    own = found["invoice", second["External_Id__c"]]
    assert own["is_own_user"] and own["action"] == "restored", "whoever it was, it is not what we had acknowledged"
    for key in (("invoice", third["External_Id__c"]), ("account_balance", balance["External_Id__c"])):
        assert (found[key]["kind"], found[key]["action"], found[key]["by"]) == ("deleted", "recreated", user.name)
    account = found["account", first["Account__c"]]
    assert set(account["fields"]) == {"open_balance"}
    whose = [(edit["by_id"], edit["is_own_user"]) for edit in (account, account["fields"]["open_balance"]["edit"])]
    assert whose == [(user.user_id, False)] * 2, "who changed another field of the account later wrote nothing of ours"
    (now,) = user.query(f"SELECT Phone, AR_Open_Balance__c FROM Account WHERE Id = '{first['Account__c']}'")
    assert now["Phone"] == "+49 30 5550" and now["AR_Open_Balance__c"] > 0
    again = invoices(user, f"External_Id__c = '{third['External_Id__c']}'")
    assert len(again) == 1 and again[0]["Id"] != third["Id"]
    with synced.platform().ops.engine.connect() as db:
        reasons = dict(db.exec_driver_sql("select reason, count(*) from push_intent group by reason").all())
    assert {reason: number for reason, number in reasons.items() if reason != "change"} == {"drift": 3, "recreate": 2}
    assert_agreed(synced)


def test_a_deleted_account_is_a_case_and_a_merged_one_is_followed(synced: Scene, user: CrmUser) -> None:
    """Begins where the test before ended: what was put right there is neither sent nor told again."""
    before = len(findings(synced))
    deleted, merged, survivor = synced.published(
        "select account_id, erp_customer_id from int_salesforce__account_desired as account where is_shown"
        " and open_balance > 0 and erp_customer_id is not null and customer_id in"
        " (select customer_id from int_salesforce__account_desired group by 1 having count(*) = 1) order by 1 limit 3"
    )
    ours = invoices(user, f"Account__c IN ('{merged['account_id']}', '{survivor['account_id']}')")
    user.delete("Account", deleted["account_id"])
    user.merge(survivor["account_id"], merged["account_id"])

    synced.sync()

    new = findings(synced)[: len(findings(synced)) - before]
    assert {(f["business_key"], f["kind"], f["action"], f["merged_into"], f["by"]) for f in new} == {
        (deleted["account_id"], "deleted", "case", "", user.name),
        (merged["account_id"], "merged", "followed", survivor["account_id"], user.name),
    }
    (case,) = (c for c in synced.expect("cases", "list", "--json").data["cases"] if c["origin"] == "drift")
    assert (case["code"], case["business_key"]) == ("ACCOUNT_DELETED", deleted["account_id"])
    assert user.name in case["message"]
    assert Decimal(case["amount"]) > 0
    now = invoices(user, f"Account__c = '{survivor['account_id']}'")
    assert [(i["External_Id__c"], i["Open_Amount__c"]) for i in now] == [
        (i["External_Id__c"], i["Open_Amount__c"]) for i in ours
    ], "none doubled, none lost, none shown as void"
    fields = "ERP_Customer_Id__c, AR_Open_Balance__c"
    (shown,) = user.query(f"SELECT {fields} FROM Account WHERE Id = '{survivor['account_id']}'")
    assert shown["ERP_Customer_Id__c"] == survivor["erp_customer_id"], "what ties it to its own customer"

    end = synced.journal_end()
    synced.sync()
    assert synced.writes(end) == [] and len(findings(synced)) == before + len(new)
