"""Alerts: told once, grouped, told again when they last, and told to be over; messages wait for their channel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from arsync_pipelines.domain.alerts import AlertKind, Condition, Quota
from arsync_pipelines.ops.store import OpsStore
from tests.contract.ops.values import Place, at

WINDOW, REPEAT = timedelta(minutes=15), timedelta(hours=24)
ROWS, SLA = AlertKind.REJECTED_ROWS, AlertKind.SLA_BREACH


def condition(key: str, kind: AlertKind = ROWS, count: int = 1, text: str = "why") -> Condition:
    return Condition(kind, key, f"title {key}", text, count)


def look(
    ops: OpsStore, minutes: float, *conditions: Condition, channels: tuple[str, ...] = ("webhook",)
) -> list[dict[str, Any]]:
    now = when(minutes)
    ops.alerts.record(conditions, now, tuple(AlertKind))
    return ops.alerts.compose(channels, now, WINDOW, REPEAT)


def when(minutes: float) -> datetime:
    return at(60 * minutes)


def test_what_is_new_is_told_once(ops: OpsStore) -> None:
    (body,) = look(ops, 0, condition("a"))
    assert (body["kind"], body["told"], body["standing"], body["recovered"]) == ("rejected_rows", 1, 1, [])
    assert body["worst"][0] | {"title": "title a", "text": "why", "count": 1} == body["worst"][0]
    for minutes in (1, 20, 600):
        assert look(ops, minutes, condition("a", count=9)) == []
    assert [alert.affected for alert in ops.alerts.alerts()] == [9]
    assert ops.verify().holds


def test_kinds_are_told_apart_and_a_kind_in_one_message_with_its_worst(ops: OpsStore) -> None:
    many = [condition(str(n), count=n) for n in range(8)]
    rows, sla = look(ops, 0, *many, condition("s", SLA))
    assert (rows["kind"], rows["told"], sla["kind"]) == ("rejected_rows", 8, "sla_breach")
    assert [one["count"] for one in rows["worst"]] == [7, 6, 5, 4, 3]


def test_what_happens_within_a_window_goes_into_the_next_message(ops: OpsStore) -> None:
    look(ops, 0, condition("a"))
    assert look(ops, 5, condition("a"), condition("b")) == []
    assert look(ops, 10, condition("b"), condition("c")) == []
    (body,) = look(ops, 16, condition("b"), condition("c"))
    assert (body["told"], body["standing"], body["recovered"]) == (2, 2, ["title a"])


def test_a_recovery_is_told_once_and_only_of_what_was_told(ops: OpsStore) -> None:
    look(ops, 0, condition("a"))
    assert look(ops, 5, condition("a"), condition("never told")) == []
    (body,) = look(ops, 20)
    assert (body["told"], body["standing"], body["recovered"]) == (0, 0, ["title a"])
    assert look(ops, 60) == []
    assert ops.alerts.alerts() == []
    assert len(ops.alerts.alerts(standing=False)) == 2


def test_what_comes_back_is_new(ops: OpsStore) -> None:
    look(ops, 0, condition("a"))
    look(ops, 20)
    (body,) = look(ops, 40, condition("a"))
    assert (body["told"], body["recovered"]) == (1, [])
    assert ops.alerts.alerts()[0].opened_at == when(40)


def test_what_stands_for_long_is_told_again(ops: OpsStore) -> None:
    look(ops, 0, condition("a"))
    look(ops, 600, condition("a"), condition("b"))
    (body,) = look(ops, 24 * 60, condition("a"), condition("b"))
    assert (body["told"], body["standing"], body["worst"][0]["title"]) == (1, 2, "title a")


def test_only_kinds_that_were_looked_for_are_over(ops: OpsStore) -> None:
    look(ops, 0, condition("a"), condition("s", SLA))
    ops.alerts.record([], when(1), [SLA])
    assert [alert.kind for alert in ops.alerts.alerts()] == [ROWS]
    ops.alerts.record([condition("b")], when(2))
    assert len(ops.alerts.alerts()) == 2


def test_a_message_waits_for_each_channel_until_it_took_it(ops: OpsStore) -> None:
    look(ops, 0, condition("a"), channels=("webhook", "email"))
    hook, mail = ops.alerts.due(when(0))
    assert (hook.channel, mail.channel, hook.kind) == ("webhook", "email", ROWS)
    ops.alerts.sent(hook, when(0))
    ops.alerts.failed(mail, "down, password=hunter2", when(0), when(2))
    assert ops.alerts.due(when(1)) == []
    (again,) = ops.alerts.due(when(2))
    assert (again.attempts, again.body, ops.alerts.waiting()) == (1, mail.body, 1)
    ops.alerts.failed(again, "down", when(2), None)
    assert (ops.alerts.due(when(9_999)), ops.alerts.waiting()) == ([], 0)
    assert ops.verify().holds


def test_without_a_channel_nothing_waits(ops: OpsStore) -> None:
    assert len(look(ops, 0, condition("a"), channels=())) == 1
    assert ops.alerts.waiting() == 0


def test_several_who_look_at_once_tell_once(ops: OpsStore, place: Place) -> None:
    stores = [place.open() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda store: look(store, 0, condition("a"), condition("b")), stores))
    assert sorted(len(bodies) for bodies in told) == [0, 0, 0, 1]
    assert ops.alerts.waiting() == 1
    for store in stores:
        store.close()


def test_secrets_in_a_text_are_not_kept(ops: OpsStore) -> None:
    (body,) = look(ops, 0, condition("a", text="refused: password=hunter2"))
    assert body["worst"][0]["text"] == "refused: [removed]"


def test_quotas_are_kept_as_last_seen(ops: OpsStore) -> None:
    ops.alerts.note_quotas("crm", [Quota("Daily", 10, 100), Quota("Bulk", 1, 2)], when(0))
    ops.alerts.note_quotas("crm", [Quota("Daily", 95, 100)], when(1))
    assert [(q.connection, q.quota.name, q.quota.percent, q.seen_at) for q in ops.alerts.quotas()] == [
        ("crm", "Bulk", 50, when(0)), ("crm", "Daily", 95, when(1)),
    ]  # fmt: skip


@pytest.mark.parametrize(("quota", "percent"), [(Quota("q", 0, 0), 100), (Quota("q", 799, 1000), 79)])
def test_a_percentage_is_not_rounded_up(quota: Quota, percent: int) -> None:
    assert quota.percent == percent
