"""What the runner asks of a vendor's stand-in, and how its handlers are run.

Each vendor package exports `build(context: SandboxContext) -> VendorSandbox`; the runner imports
`arsync_pipelines.sandbox.<name>`, wraps `app` in the fault middleware and serves it on its own port.

Handlers are plain sync functions of (request, body), registered through `endpoint`: the body is read on the event
loop, the handler runs in Starlette's thread pool, so a slow query never blocks the other vendors or the control port.
A vendor guards its store with its own lock (one connection with `check_same_thread=False` under an RLock is enough) and
commits, journal included, before it returns the response. `project` may be called from another thread while handlers
run (a day passes), so it takes the same lock and works in one transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from .faults import Rule
from .world.records import Delta


class VendorSandbox(Protocol):
    """One vendor's stand-in: a wire protocol over its own store."""

    name: str
    app: Starlette

    def project(self, delta: Delta) -> None:
        """Upserts the world's records by id. Idempotent; called for every chunk while seeding and after each day.

        While seeding, ids only grow within a record type, but a record may come again in a later chunk (a payment of a
        later chunk settles an invoice of an earlier one). Order inside one delta follows its fields: referenced records
        come in the same or an earlier delta.
        """

    def finish_seeding(self) -> None:
        """Called once when all chunks are projected: build indexes, restore durable pragmas, commit."""

    def error_response(self, status: int, rule: Rule) -> Response:
        """The vendor's own rendering of an injected HTTP error; `rule.params` may ask for a vendor code."""

    def vendor_id(self, record_type: str, world_id: int) -> str:
        """The id that the vendor shows for a world record ("crm_account", "erp_customer", "invoice", ...).

        `record_type` is the singular of the Delta field. Raises KeyError for a type that this vendor does not hold.
        """

    def close(self) -> None:
        """Commits and closes the store; the process is about to end."""


Handler = Callable[[Request, bytes], Response]


def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Makes an ASGI endpoint of a sync handler: `Route("/path", endpoint(self.handle), methods=["POST"])`."""

    async def run(request: Request) -> Response:
        return await run_in_threadpool(handler, request, await request.body())

    return run
