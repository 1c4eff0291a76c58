"""Repository of alerts: which conditions hold, which people were told of, and messages that wait for their channel.

One message per kind and window tells of all that is new, over or stands unmended for long. A message is stored in the
transaction that marks its alerts as told of, and sent afterwards: it may be sent twice, but it is not lost.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update

from arsync_pipelines.domain.alerts import AlertKind, Condition, Quota
from arsync_pipelines.domain.redaction import redact_text
from arsync_pipelines.ops.bulk import insert_into
from arsync_pipelines.ops.tables.alerts import WAITING, alert, alert_message, quota_level
from arsync_pipelines.ops.unit import Transactions, Unit

_LOCK = 0x616C6572  # any number that nobody else takes an advisory lock on
_WORST = 5
_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it is stored; `recovered_at` None: it holds still."""

    fingerprint: str
    kind: AlertKind
    title: str
    text: str
    affected: int
    run_id: str
    opened_at: datetime
    last_seen_at: datetime
    last_sent_at: datetime | None
    recovered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a channel should take. `body` as `AlertStore.compose` makes it."""

    message_id: int
    kind: AlertKind
    channel: str
    body: dict[str, Any]
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class QuotaSeen:
    """The level of a quota as it was last seen."""

    connection: str
    quota: Quota
    seen_at: datetime


class AlertStore:
    """Alerts of one store; each method is a transaction of its own."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def record(self, conditions: Sequence[Condition], now: datetime, looked_for: Collection[AlertKind] = ()) -> None:
        """These conditions hold. Of the kinds in `looked_for` they are all: what else stood open of those is over."""
        holding = {condition.fingerprint: condition for condition in conditions}
        with self._transactions.write() as unit:
            _take_turns(unit)
            known: dict[str, Row[Any]] = {row.fingerprint: row for row in unit.db.execute(select(alert))}
            for fingerprint, condition in holding.items():
                row = known.get(fingerprint)
                values = {
                    "title": redact_text(condition.title)[:_TEXT], "text": redact_text(condition.text)[:_TEXT],
                    "affected": condition.count, "run_id": condition.run_id, "last_seen_at": now,
                }  # fmt: skip
                new = {"opened_at": now, "last_sent_at": None, "recovered_at": None}
                if row is None:
                    given = {"fingerprint": fingerprint, "kind": condition.kind.value, **values, **new}
                    unit.db.execute(insert(alert).values(given))
                else:
                    changed = values | (new if row.recovered_at is not None else {})
                    unit.db.execute(update(alert).where(alert.c.fingerprint == fingerprint).values(changed))
                if row is None or row.recovered_at is not None:
                    unit.note(now, "alert.opened", "alert", fingerprint, "", of=condition.kind, title=values["title"])
            kinds = {kind.value for kind in looked_for}
            for row in known.values():
                if row.kind in kinds and row.recovered_at is None and row.fingerprint not in holding:
                    over = update(alert).where(alert.c.fingerprint == row.fingerprint).values(recovered_at=now)
                    unit.db.execute(over)
                    unit.note(now, "alert.recovered", "alert", row.fingerprint, "", of=row.kind, title=row.title)

    def compose(
        self, channels: Sequence[str], now: datetime, window: timedelta, repeat: timedelta
    ) -> list[dict[str, Any]]:
        """Store a message per kind and channel where there is something to tell; the bodies, one per kind.

        Nothing is told twice within `window` of a kind's last message; what stands open is told again after `repeat`.
        A body: {kind, worst: [{title, text, count, run_id, opened_at}], told, standing, recovered: [titles], at}.
        """
        bodies = []
        with self._transactions.write() as unit:
            _take_turns(unit)
            rows = list(unit.db.execute(select(alert)))
            for kind in AlertKind:
                of_kind = [row for row in rows if row.kind == kind]
                last = max((row.last_sent_at for row in of_kind if row.last_sent_at), default=None)
                if last is not None and last > now - window:
                    continue
                standing = [row for row in of_kind if row.recovered_at is None]
                told = [row for row in standing if row.last_sent_at is None or row.last_sent_at <= now - repeat]
                over = [r for r in of_kind if r.recovered_at and r.last_sent_at and r.last_sent_at < r.recovered_at]
                if not told and not over:
                    continue
                bodies.append(_body(kind, told, standing, over, now))
                named = [row.fingerprint for row in (*told, *over)]
                unit.db.execute(update(alert).where(alert.c.fingerprint.in_(named)).values(last_sent_at=now))
                text_ = json.dumps(bodies[-1], ensure_ascii=False)
                for channel in channels:
                    given = {"kind": kind.value, "channel": channel, "body": text_, "created_at": now}
                    unit.db.execute(insert(alert_message).values(**given, next_attempt_at=now))
        return bodies

    def due(self, now: datetime) -> list[Message]:
        """Messages that wait to be sent, oldest first."""
        query = select(alert_message).where(WAITING, alert_message.c.next_attempt_at <= now)
        with self._transactions.read() as db:
            return [
                Message(row.message_id, AlertKind(row.kind), row.channel, json.loads(row.body), row.attempts,
                        row.created_at)
                for row in db.execute(query.order_by(alert_message.c.message_id))
            ]  # fmt: skip

    def sent(self, message: Message, now: datetime) -> None:
        """A channel took a message."""
        self._attempted(message, now, {"sent_at": now, "error": ""}, "alert.sent")

    def failed(self, message: Message, error: str, now: datetime, again_at: datetime | None) -> None:
        """A channel did not take it; None: it is given up."""
        then = {"gave_up_at": now} if again_at is None else {"next_attempt_at": again_at}
        self._attempted(message, now, {"error": redact_text(error)[:_TEXT], **then}, "alert.not_sent")

    def _attempted(self, message: Message, now: datetime, values: dict[str, Any], action: str) -> None:
        with self._transactions.write() as unit:
            unit.db.execute(
                update(alert_message)
                .where(alert_message.c.message_id == message.message_id)
                .values(attempts=message.attempts + 1, **values)
            )
            detail = {"channel": message.channel, "of": message.kind.value, "error": values["error"][:200]}
            unit.note(now, action, "message", str(message.message_id), "", **detail)

    def alerts(self, *, standing: bool = True) -> list[Alert]:
        """Alerts that hold, or all that ever were; the newest last."""
        query = select(alert).order_by(alert.c.opened_at, alert.c.fingerprint)
        if standing:
            query = query.where(alert.c.recovered_at.is_(None))
        with self._transactions.read() as db:
            return [Alert(**(dict(row._mapping) | {"kind": AlertKind(row.kind)})) for row in db.execute(query)]

    def waiting(self) -> int:
        """How many messages no channel has taken yet."""
        with self._transactions.read() as db:
            return int(db.execute(select(func.count(alert_message.c.message_id)).where(WAITING)).scalar() or 0)

    def note_quotas(self, connection: str, quotas: Sequence[Quota], now: datetime) -> None:
        """Keep the level of quotas as a connection has just told it."""
        with self._transactions.write() as unit:
            for quota in quotas:
                values = {"used": quota.used, "allowed": quota.allowed, "seen_at": now}
                stored = insert_into(unit.db, quota_level).values(connection=connection, name=quota.name, **values)
                keys = [quota_level.c.connection, quota_level.c.name]
                unit.db.execute(stored.on_conflict_do_update(index_elements=keys, set_=values))

    def quotas(self) -> list[QuotaSeen]:
        """Levels that were last seen."""
        query = select(quota_level).order_by(quota_level.c.connection, quota_level.c.name)
        with self._transactions.read() as db:
            return [
                QuotaSeen(row.connection, Quota(row.name, row.used, row.allowed), row.seen_at)
                for row in db.execute(query)
            ]


def _take_turns(unit: Unit) -> None:
    """SQLite lets one write at a time anyway."""
    if unit.db.dialect.name == "postgresql":
        unit.db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _body(
    kind: AlertKind, told: Sequence[Row[Any]], standing: Sequence[Row[Any]], over: Sequence[Row[Any]], now: datetime
) -> dict[str, Any]:
    worst = sorted(told, key=lambda row: (-row.affected, row.opened_at, row.title))[:_WORST]
    return {
        "kind": kind.value,
        "worst": [
            {"title": row.title, "text": row.text, "count": row.affected, "run_id": row.run_id,
             "opened_at": row.opened_at.isoformat()}
            for row in worst
        ],
        "told": len(told),
        "standing": len(standing),
        "recovered": [row.title for row in over],
        "at": now.isoformat(),
    }  # fmt: skip
