"""The app: POST /webhooks/{connection}, GET /healthz, GET /metrics.

Handlers are async; whatever waits for the store or reads a secret runs in a thread. A source is answered 2xx only once
its events are committed. Nothing of a request that was refused is kept, and nothing of any is logged but ids.

    200  stored, or known already          404  no such connection, or none that takes deliveries
    400  too old, or not what it sends     405  not a POST            408  the body did not come in time
    401  no signature of ours              413  too large             503  not stored: send it again
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from arsync_pipelines.domain.errors import ArsyncError, WebhookForged, WebhookRefused
from arsync_pipelines.gateway.metrics import CONTENT_TYPE, render
from arsync_pipelines.ops.inbox import InboxStore
from arsync_pipelines.ports.clock import Clock
from arsync_pipelines.ports.webhook import Posted
from arsync_pipelines.services.receive import Received, Receiver

log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

RETRY_AFTER = {"Retry-After": "5"}


@dataclass(frozen=True, slots=True)
class Limits:
    """`body_bytes`: largest body. `body_seconds`: longest wait for it. `store_seconds`: longest wait for the store;
    what is committed after it is known when the source sends it again."""

    body_bytes: int = 1_048_576
    body_seconds: float = 10.0
    store_seconds: float = 10.0


class _Refused(Exception):
    """What the caller is answered instead of a 2xx."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Gateway:
    """The handlers over one inbox."""

    def __init__(self, receiver: Receiver, inbox: InboxStore, clock: Clock, limits: Limits) -> None:
        self._receiver = receiver
        self._inbox = inbox
        self._clock = clock
        self._limits = limits

    async def webhook(self, request: Request) -> Response:
        """Take one delivery."""
        try:
            received = await self._take(request)
        except _Refused as refusal:
            headers = RETRY_AFTER if refusal.status == 503 else None
            return JSONResponse({"error": refusal.why}, refusal.status, headers)
        if received.told.answer:
            return Response(received.told.answer, media_type=received.told.media_type)
        return JSONResponse({"received": received.new, "known": received.known})

    async def _take(self, request: Request) -> Received:
        connection = request.path_params["connection"]
        if not self._receiver.knows(connection):
            raise _Refused(404, "no such connection")
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._body(request)
        except TimeoutError:
            raise _Refused(408, "the body did not come in time") from None
        except ClientDisconnect:
            raise _Refused(400, "the body did not come whole") from None
        posted = Posted({k.lower(): v for k, v in request.headers.items()}, dict(request.query_params), body)
        try:
            return await self._in_thread(lambda: self._receiver.receive(connection, posted))
        except WebhookForged as refusal:
            raise _Refused(401, str(refusal)) from None
        except WebhookRefused as refusal:
            raise _Refused(400, str(refusal)) from None
        except (ArsyncError, TimeoutError):  # logged where it happened; the reason is ours, not the caller's
            raise _Refused(503, "not stored; send it again") from None

    async def health(self, _request: Request) -> Response:
        """Whether the store answers, and what waits in it."""
        try:
            waiting = await self._in_thread(self._inbox.backlog)
        except (ArsyncError, TimeoutError) as error:
            log.error("the store does not answer: %s", error)
            return JSONResponse({"store": "unreachable"}, 503)
        now = self._clock.now()
        oldest = max((_age(one.oldest, now) for one in waiting), default=None)
        return JSONResponse(
            {"store": "ok", "pending": sum(one.events for one in waiting), "oldest_pending_seconds": oldest}
        )

    async def metrics(self, _request: Request) -> Response:
        """What is counted and what waits, by connection."""
        try:
            waiting = await self._in_thread(self._inbox.backlog)
        except (ArsyncError, TimeoutError):
            waiting = None
        ages = None if waiting is None else {
            one.connection: (one.events, _age(one.oldest, self._clock.now())) for one in waiting
        }  # fmt: skip
        return PlainTextResponse(render(self._receiver.counts(), ages), media_type=CONTENT_TYPE)

    async def _body(self, request: Request) -> bytes:
        most = self._limits.body_bytes
        declared = request.headers.get("content-length", "")
        too_large = _Refused(413, f"the body is larger than {most} bytes")
        if declared.isdecimal() and int(declared) > most:
            raise too_large
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise too_large
            parts.append(part)
        return b"".join(parts)

    async def _in_thread(self, work: Callable[[], _Answer]) -> _Answer:
        """Raises TimeoutError while the work goes on: a transaction is not broken off half-way."""
        running = asyncio.ensure_future(run_in_threadpool(work))
        done, _pending = await asyncio.wait({running}, timeout=self._limits.store_seconds)
        if not done:
            running.add_done_callback(_say_late)
            raise TimeoutError
        return running.result()


def make_app(receiver: Receiver, inbox: InboxStore, clock: Clock, limits: Limits = Limits()) -> Starlette:
    """The app over one inbox."""
    gateway = Gateway(receiver, inbox, clock, limits)
    return Starlette(
        routes=[
            Route("/webhooks/{connection}", gateway.webhook, methods=["POST"]),
            Route("/healthz", gateway.health, methods=["GET"]),
            Route("/metrics", gateway.metrics, methods=["GET"]),
        ]
    )


def _say_late(work: asyncio.Future[_Answer]) -> None:
    if not work.cancelled() and (error := work.exception()) is not None:
        log.error("a request that was given up failed: %s", error)


def _age(since: datetime, now: datetime) -> float:
    return round(max(0.0, (now - since).total_seconds()), 3)
