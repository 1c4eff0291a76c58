"""The use case of alerts: look at what holds, tell what is new and what is over, try again what a channel did not take.

A channel that is down never fails its caller: the message waits in the operational store.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from arsync_pipelines.domain.alerts import AlertKind, Condition
from arsync_pipelines.domain.errors import ArsyncError
from arsync_pipelines.ops.alerts import AlertStore, Message
from arsync_pipelines.ops.cases.store import CaseStore
from arsync_pipelines.ports.warehouse import Warehouse
from arsync_pipelines.services.alerts import messages
from arsync_pipelines.services.alerts.channels import Channel, NotTaken
from arsync_pipelines.services.alerts.conditions import LOOKED_FOR, Thresholds, holding

log = logging.getLogger(__name__)

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
_PATIENCE = timedelta(days=3)
"""After so long a message that no channel took is given up; what it tells of still stands in the store."""


@dataclass(slots=True)
class Told:
    """What a look did: messages `composed` (one per kind), `sent` and `failed` (one per channel), those that wait."""

    composed: int = 0
    sent: int = 0
    failed: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class AlertService:
    """Alerts of one platform. `window`: least time between two messages of a kind; `repeat`: after which what still
    stands is told again; `connections`: those configured."""

    store: AlertStore
    cases: CaseStore
    warehouse: Warehouse
    channels: Sequence[Channel] = ()
    connections: Collection[str] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    window: timedelta = timedelta(minutes=15)
    repeat: timedelta = timedelta(hours=24)
    _by_name: Mapping[str, Channel] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {channel.name: channel for channel in self.channels})

    def holding(self, now: datetime) -> list[Condition]:
        """Every condition that holds, failed runs apart."""
        return holding(
            self.cases, self.warehouse, self.store.quotas(), self.connections, self.thresholds, now
        )  # fmt: skip

    def look(self, now: datetime, failed_runs: Sequence[Condition] | None = None) -> Told:
        """Look at everything and tell what changed. `failed_runs`: all of those; None leaves them as they are."""
        looked_for = LOOKED_FOR | ({AlertKind.RUN_FAILED} if failed_runs is not None else frozenset())
        self.store.record([*self.holding(now), *(failed_runs or ())], now, looked_for)
        return self._tell(now)

    def tell(self, condition: Condition, now: datetime) -> Told:
        """Something holds that nobody need look for."""
        self.store.record([condition], now)
        return self._tell(now)

    def trial(self, now: datetime) -> dict[str, str]:
        """Send a message that says nothing to every channel: channel -> why it did not take it, "" when it did."""
        one = {"title": "a trial of the alert channels", "text": "Nothing is wrong; somebody ran `arsync alerts test`.",
               "count": 1, "run_id": "", "opened_at": now.isoformat()}  # fmt: skip
        body = {"kind": AlertKind.RUN_FAILED.value, "worst": [one], "told": 1, "standing": 1, "recovered": [],
                "at": now.isoformat()}  # fmt: skip
        results = {}
        for channel in self.channels:
            try:
                channel.send(body)
                results[channel.name] = ""
            except (NotTaken, ArsyncError) as error:
                results[channel.name] = str(error)
        return results

    def _tell(self, now: datetime) -> Told:
        bodies = self.store.compose([c.name for c in self.channels], now, self.window, self.repeat)
        for body in bodies:
            log.error("%s: %s", messages.title(body), " ".join(messages.lines(body)))
        told = Told(composed=len(bodies))
        for message in self.store.due(now):
            if self._send(message, now):
                told.sent += 1
            else:
                told.failed += 1
        told.waiting = self.store.waiting()
        return told

    def _send(self, message: Message, now: datetime) -> bool:
        channel = self._by_name.get(message.channel)
        try:
            if channel is None:
                raise NotTaken("the channel is no longer configured")
            channel.send(message.body)
        except (NotTaken, ArsyncError) as error:
            again = now + min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(message.attempts, 10))
            give_up = channel is None or again - message.created_at > _PATIENCE
            log.error(
                "alert channel %s: %s; %s", message.channel, error, "given up" if give_up else "tried again later"
            )  # fmt: skip
            self.store.failed(message, str(error), now, None if give_up else again)
            return False
        self.store.sent(message, now)
        return True
