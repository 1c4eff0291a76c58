"""A look at records in the stand-in: who changed them last, who changed which field, what an org answers instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote

from arsync_pipelines.connectors.salesforce import soql
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.fields import DEFAULT_NAMES
from arsync_pipelines.connectors.salesforce.history import QUERY_RECORDS
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ports.sink import Sighting
from tests.fixtures.sources.salesforce import SalesforceCompany as Crm
from tests.fixtures.sources.salesforce import intent

OBJECT = "AR_Invoice__c"


def batch(crm: Crm, start: int, count: int) -> list[PushIntent]:
    return [intent(crm, n) for n in range(start, start + count)]


def person(crm: Crm, username: str = "ada@acme.test") -> SalesforceApi:
    client_id, key = {"env": "ID"}, {"env": "KEY"}
    return crm.api(auth={"method": "jwt", "client_id": client_id, "username": username, "private_key": key})


def edit(who: SalesforceApi, record_id: str, sobject: str = OBJECT, **fields: object) -> None:
    who.http.request("PATCH", who.path(f"/sobjects/{sobject}/{record_id}"), json=fields)


def ids(crm: Crm, intents: Sequence[PushIntent]) -> dict[str, str]:
    """Record ids by business key, of records that are written first."""
    written = crm.sink().write("invoice", intents).outcomes
    return {i.business_key: o.target_id for i, o in zip(intents, written, strict=True)}


def who(seen: Sighting) -> dict[str, tuple[str, bool]]:
    return {name: (edit.by, edit.is_own_user) for name, edit in seen.edits.items()}


def test_a_look_tells_who_changed_a_record_last_and_what_is_gone(crm: Crm) -> None:
    sink, intents = crm.sink(), batch(crm, 80_000, 3)
    record = ids(crm, intents)
    kept, edited, deleted = intents
    ada = person(crm)
    edit(ada, record[edited.business_key], Status__c="paid")
    ada.http.request("DELETE", ada.path(f"/sobjects/{OBJECT}/{record[deleted.business_key]}"))
    seen = sink.look("invoice", [i.business_key for i in intents] + ["nobody's"])
    assert set(seen) == {i.business_key for i in intents}
    assert seen[kept.business_key].is_own_user
    one = seen[edited.business_key]
    assert (one.by, one.is_own_user, one.is_deleted, one.values["status"]) == ("Ada Sales", False, False, "paid")
    assert one.changed_at is not None and one.record_id == record[edited.business_key]
    gone = seen[deleted.business_key]
    assert (gone.is_deleted, gone.by) == (True, "Ada Sales")
    sink.write("invoice", [deleted])
    (again,) = sink.look("invoice", [deleted.business_key]).values()
    assert not again.is_deleted, "the living before the dead"


def test_who_changed_a_field_is_named_whoever_changes_another_afterwards(crm: Crm) -> None:
    sink, (one, other) = crm.sink(), batch(crm, 81_000, 2)
    record = ids(crm, [one, other])
    ada, script = person(crm), crm.api()
    for key in record.values():
        edit(ada, key, Open_Amount__c=7.25, Due_Date__c="2026-05-01", Account__c=crm.account(60))
    at = crm.context.clock.now()
    crm.context.clock.advance(timedelta(minutes=1))
    edit(script, record[one.business_key], Status__c="paid", Aging_Bucket__c="91_plus")
    seen = sink.look("invoice", [one.business_key, other.business_key])
    first = seen[one.business_key]
    assert first.is_own_user, "the record's last editor is not who wrote over the amount"
    assert who(first) == {
        **dict.fromkeys(("open_amount", "due_date", "account_id"), ("Ada Sales", False)),
        "status": ("Integration User", True),
    }, "aging_bucket is not tracked"
    assert abs(first.edits["open_amount"].changed_at - at) < timedelta(seconds=5)
    assert who(seen[other.business_key]) == dict.fromkeys(
        ("open_amount", "due_date", "account_id"), ("Ada Sales", False)
    )


def test_accounts_have_their_history_too(crm: Crm) -> None:
    account = crm.account(61)
    edit(person(crm), account, "Account", AR_Credit_Hold__c=True, AR_Open_Balance__c=3)
    crm.context.clock.advance(timedelta(minutes=1))
    edit(crm.api(), account, "Account", AR_Open_Balance__c=4, Phone="+49 30 1")
    (seen,) = crm.sink().look("account", [account]).values()
    assert who(seen) == {"credit_hold": ("Ada Sales", False), "open_balance": ("Integration User", True)}


def test_a_field_that_was_changed_while_its_history_was_off_names_nobody(crm: Crm) -> None:
    """As in an org that switched it off in between: who once wrote the same value is not who wrote it last."""
    (one,) = batch(crm, 82_000, 1)
    record = ids(crm, [one])[one.business_key]
    edit(person(crm), record, Status__c="void")
    crm.context.clock.advance(timedelta(minutes=1))
    edit(crm.api(), record, Status__c="open")
    store = crm.stand_in.sandbox.org.store
    with store.transaction():
        store.keep_history(store.find_object(OBJECT), False)
    edit(crm.api(), record, Status__c="void")
    with store.transaction():
        store.keep_history(store.find_object(OBJECT), True)
    (seen,) = crm.sink().look("invoice", [one.business_key]).values()
    assert (seen.values["status"], seen.edits, seen.edits_unknown) == ("void", {}, "")


def test_an_org_without_history_is_asked_for_it_once_and_answers_as_before(crm: Crm) -> None:
    (one,) = batch(crm, 83_000, 1)
    edit(person(crm), ids(crm, [one])[one.business_key], Status__c="paid")
    store, sink = crm.stand_in.sandbox.org.store, crm.sink()
    with store.transaction():
        store.keep_history(store.find_object(OBJECT), False)
    crm.calls.clear()
    looks = [sink.look("invoice", [one.business_key])[one.business_key] for _ in range(2)]
    with store.transaction():
        store.keep_history(store.find_object(OBJECT), True)
    assert [(s.by, s.edits, s.edits_unknown) for s in looks] == [("Ada Sales", {}, "")] * 2
    asked = [call.path for call in crm.calls if "History" in call.path or "query" in call.path.lower()]
    assert len([path for path in asked if "AR_Invoice__History/describe" in path]) == 1
    assert len(asked) == 3, "and queried for the records alone"


def test_history_costs_a_query_per_some_hundred_records(crm: Crm) -> None:
    sink, intents = crm.sink(), batch(crm, 84_000, QUERY_RECORDS + 1)
    ids(crm, intents)
    keys = [i.business_key for i in intents]
    sink.look("invoice", keys[:1])
    crm.calls.clear()
    sink.read_back("invoice", intents)
    without = len(crm.calls)
    sink.look("invoice", keys)
    assert len(crm.calls) - 2 * without == 2
    names = list(DEFAULT_NAMES["account"].values())
    longest = soql.history("AccountHistory", ["CreatedById"] * 6, "AccountId", ["0" * 18] * QUERY_RECORDS, names, 2000)
    assert len(quote(longest)) < 16_000, "an org takes 16,384 bytes in a URL"


def test_an_org_that_will_not_tell_its_history_says_so_and_names_the_records_editor(crm: Crm) -> None:
    sink, (one,) = crm.sink(), batch(crm, 85_000, 1)
    edit(person(crm), ids(crm, [one])[one.business_key], Status__c="paid")
    sink.look("invoice", [one.business_key])
    crm.stand_in.fault("drop_column", params={"table": "AR_Invoice__History", "column": "NewValue"})
    (seen,) = sink.look("invoice", [one.business_key]).values()
    assert (seen.by, seen.edits) == ("Ada Sales", {})
    assert "No such column 'NewValue'" in seen.edits_unknown
    crm.context.faults.remove()
    (again,) = sink.look("invoice", [one.business_key]).values()
    assert (who(again), again.edits_unknown) == ({"status": ("Ada Sales", False)}, "")
