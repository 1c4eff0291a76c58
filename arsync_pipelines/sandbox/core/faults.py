"""Faults on demand: rules that say which requests go wrong, and the middleware for what goes wrong in transport.

A vendor asks for its own kinds with `Faults.hit`; nothing here knows a vendor's error format.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRANSPORT_KINDS = ("latency", "error", "drop_before", "drop_after")
VENDOR_KINDS = (
    "expire_token",
    "lock_row",
    "ignore_filter",
    "drop_column",
    "add_column",
    "rename_column",
    "retype_column",
    "grow_enum",
    "page_drift",
    "duplicate_webhook",
    "reorder_webhook",
)


@dataclass
class Rule:
    """One fault. `rate` is a probability, `times` how often it may still strike (None: no end).

    `match`: {"method": "POST", "path": "regular expression, searched"}; empty matches all. `params` by kind:
    latency {"ms"}, error {"status": [429, 503], "retry_after": seconds}; of schemas drop_column {"table", "column"},
    add_column {"table", "column", "like": the column it holds a copy of}, rename_column {"table", "column", "to"},
    retype_column {"table", "column"}, grow_enum {"table", "column", "value": shown in place of every value}.
    """

    kind: str
    vendor: str
    rate: float = 1.0
    times: int | None = None
    match: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in TRANSPORT_KINDS + VENDOR_KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; known: {', '.join(TRANSPORT_KINDS + VENDOR_KINDS)}")
        if not 0.0 <= self.rate <= 1.0:
            raise ValueError(f"rate {self.rate} of fault {self.kind} is not a probability between 0 and 1")
        unknown = set(self.match) - {"method", "path"}
        if unknown:
            raise ValueError(f"fault {self.kind} matches on {sorted(unknown)}; only method and path can be matched")
        re.compile(self.match.get("path", ""))

    def fits(self, method: str, path: str) -> bool:
        wanted = self.match.get("method", "")
        return (not wanted or wanted.upper() == method.upper()) and bool(re.search(self.match.get("path", ""), path))


class Faults:
    """The rules in force. The dice are seeded: the same requests in the same order meet the same faults."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(f"faults:{seed}")
        self._rules: list[Rule] = []
        self._ids = itertools.count(1)

    def add(self, rule: Rule) -> Rule:
        with self._lock:
            rule.id = next(self._ids)
            self._rules.append(rule)
        return rule

    def remove(self, rule_id: int | None = None) -> int:
        """Removes one rule, or all of them; returns how many went."""
        with self._lock:
            before = len(self._rules)
            self._rules = [rule for rule in self._rules if rule_id is not None and rule.id != rule_id]
            return before - len(self._rules)

    def rules(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(rule) for rule in self._rules]

    def hit(self, vendor: str, kind: str, method: str = "", path: str = "") -> Rule | None:
        """The first rule of this kind that strikes now, or None. A strike counts against the rule's `times`."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                if rule.kind != kind or rule.vendor not in (vendor, "*") or rule.times == 0:
                    continue
                if not rule.fits(method, path) or (rule.rate < 1.0 and self._random.random() >= rule.rate):
                    continue
                if rule.times is not None:
                    rule.times -= 1
                rule.hits += 1
                return rule
        return None

    def choose(self, options: list[Any]) -> Any:
        with self._lock:
            return self._random.choice(options)


class ErrorRenderer(Protocol):
    """The part of a vendor that the middleware needs."""

    name: str

    def error_response(self, status: int, rule: Rule) -> Response: ...


class FaultMiddleware:
    """Outermost layer of a vendor's app: delays, fails and cuts connections. The runner installs it, not the vendor."""

    def __init__(self, app: ASGIApp, faults: Faults, vendor: ErrorRenderer) -> None:
        self._app = app
        self._faults = faults
        self._vendor = vendor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        where = (scope["method"], scope["path"])
        if rule := self._hit("latency", where):
            await asyncio.sleep(float(rule.params.get("ms", 100)) / 1000)
        if self._hit("drop_before", where):
            await _cut(receive, send)
            return
        if rule := self._hit("error", where):
            status = int(self._faults.choose(list(rule.params.get("status", [503]))))
            response = self._vendor.error_response(status, rule)
            if "retry_after" in rule.params and "retry-after" not in response.headers:
                response.headers["Retry-After"] = str(rule.params["retry_after"])
            await _drain(receive)
            await response(scope, receive, send)
            return
        if self._hit("drop_after", where):
            await self._app(scope, receive, _discard)
            await _cut(receive, send)
            return
        await self._app(scope, receive, send)

    def _hit(self, kind: str, where: tuple[str, str]) -> Rule | None:
        return self._faults.hit(self._vendor.name, kind, *where)


async def _discard(message: Message) -> None:
    """Takes a response that nobody will see."""


async def _drain(receive: Receive) -> None:
    """Reads the request to its end, so that the client gets the answer instead of a broken pipe."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


async def _cut(receive: Receive, send: Send) -> None:
    """Closes the connection without an answer.

    ASGI has no message for it; the server's request cycle, whose bound method `send` is, holds the transport. Raises
    ConnectionResetError under a server without one (an in-process test client).
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the fault rule drops this connection")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
