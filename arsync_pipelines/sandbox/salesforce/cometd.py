"""The streaming door to change events: Bayeux over HTTP long polling with the replay extension, /cometd/NN.0.

Faithful: handshake, subscribe with `ext.replay` (-1 new, -2 all kept, or a replay id), connect that waits, channels,
unknown clients, message shape. Not here: the Pub/Sub API (gRPC), schemas by id, delivery limits.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

from arsync_pipelines.sandbox.core.faults import Faults
from arsync_pipelines.sandbox.salesforce.events import EventLog, event_name
from arsync_pipelines.sandbox.salesforce.store import VENDOR, Store

WAIT_S = 110.0
POLL_S = 0.1


@dataclass(slots=True)
class _Client:
    """One handshake: next replay position per channel."""

    positions: dict[str, int] = field(default_factory=dict)


class Streaming:
    """Clients of the streaming door; they live as long as the process, as sessions do on the platform."""

    def __init__(self, store: Store, events: EventLog, faults: Faults) -> None:
        self._store = store
        self._events = events
        self._faults = faults
        self._clients: dict[str, _Client] = {}

    async def handle(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to one POST."""
        out: list[dict[str, Any]] = []
        for message in messages:
            channel = message.get("channel", "")
            reply: dict[str, Any] = {"channel": channel, "id": message.get("id"), "successful": True}
            if channel == "/meta/handshake":
                client_id = uuid.uuid4().hex
                self._clients[client_id] = _Client()
                reply |= {
                    "clientId": client_id,
                    "version": "1.0",
                    "minimumVersion": "1.0",
                    "supportedConnectionTypes": ["long-polling"],
                    "ext": {"replay": True, "payload.format": True},
                    "advice": {"reconnect": "retry", "interval": 0, "timeout": int(WAIT_S * 1000)},
                }
                out.append(reply)
                continue
            client = self._clients.get(message.get("clientId", ""))
            if client is None:
                reply |= {
                    "successful": False,
                    "error": "403::Unknown client",
                    "advice": {"reconnect": "handshake", "interval": 0},
                }
            elif channel == "/meta/subscribe":
                reply |= self._subscribe(client, message)
            elif channel == "/meta/unsubscribe":
                client.positions.pop(str(message.get("subscription")), None)
                reply["subscription"] = message.get("subscription")
            elif channel == "/meta/disconnect":
                del self._clients[message["clientId"]]
            elif channel == "/meta/connect":
                out += await self._wait(client, message)
                reply |= {"clientId": message["clientId"], "advice": {"reconnect": "retry", "interval": 0}}
            else:
                reply |= {"successful": False, "error": f"404:{channel}:unknown channel"}
            out.append(reply)
        return out

    def _subscribe(self, client: _Client, message: dict[str, Any]) -> dict[str, Any]:
        channel = str(message.get("subscription"))
        if channel != "/data/ChangeEvents" and self._entity(channel) is None:
            return {
                "successful": False,
                "subscription": channel,
                "error": f"403:{channel}:The channel you requested doesn't exist or is not enabled",
            }
        wanted = int((message.get("ext") or {}).get("replay", {}).get(channel, -1))
        earliest, last = self._events.earliest(), self._events.last()
        if wanted == -1:
            start = last
        elif wanted == -2:
            start = earliest - 1
        elif earliest - 1 <= wanted <= last:
            start = wanted
        else:
            return {
                "successful": False,
                "subscription": channel,
                "error": f"400::The replayId {{{wanted}}} you provided was invalid.  Please provide a valid ID, -2 to"
                " replay all events, or -1 to replay only new events.",
            }
        client.positions[channel] = start
        return {"subscription": channel, "clientId": message["clientId"]}

    def _entity(self, channel: str) -> str | None:
        for owner in list(self._store.objects.values()):
            if channel == f"/data/{event_name(owner.name)}":
                return owner.name
        return None

    async def _wait(self, client: _Client, message: dict[str, Any]) -> list[dict[str, Any]]:
        """Events for this client, waiting for the first one as long as advised."""
        advice = message.get("advice") or {}
        left = min(WAIT_S, float(advice.get("timeout", WAIT_S * 1000)) / 1000)
        while True:
            found = await asyncio.to_thread(self._collect, client)
            if found or left <= 0:
                return found
            await asyncio.sleep(min(POLL_S, left))
            left -= POLL_S

    def _collect(self, client: _Client) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for channel, position in client.positions.items():
            for replay_id, entity, payload in self._events.after(position, self._entity(channel)):
                data = {"schema": f"arsync-{event_name(entity)}", "payload": payload, "event": {"replayId": replay_id}}
                out.append({"channel": channel, "data": data})
                client.positions[channel] = replay_id
                if self._faults.hit(VENDOR, "duplicate_webhook", "POST", "/cometd"):
                    out.append({"channel": channel, "data": data})
        if len(out) > 1 and self._faults.hit(VENDOR, "reorder_webhook", "POST", "/cometd"):
            out.reverse()
        return out
