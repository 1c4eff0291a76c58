"""The account's HTTP surface: routing, authentication, the concurrency limit and the life of the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..core.context import SandboxContext
from ..core.faults import Rule
from ..core.vendor import Handler, endpoint
from ..core.world.records import Delta
from . import ids
from .auth import TOKEN_PATH, Authority
from .dates import AccountTime
from .errors import ApiError, concurrency_exceeded, injected
from .projection import project
from .query_service import QueryService
from .records import RecordService
from .scripts import UserEventScript
from .store import Store
from .suiteql import SuiteQl

ACCOUNT = "7200123_SB1"
CONCURRENCY = 5
_REST = "/services/rest"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class NetSuiteSandbox:
    """One NetSuite account: a development account, so five requests at a time.

    `concurrency` may be changed while running. Secrets of the integration record are in the sandbox's folder under
    netsuite_consumer_key, netsuite_consumer_secret, netsuite_token_id, netsuite_token_secret (TBA) and
    netsuite_client_id, netsuite_certificate_id with netsuite_m2m.private.pem (PS256), netsuite_certificate_id_ec with
    netsuite_m2m_ec.private.pem (ES256).
    """

    name = "netsuite"

    def __init__(self, context: SandboxContext, *, account: str = ACCOUNT, zone: str = "America/Los_Angeles") -> None:
        self.account = account
        self.concurrency = CONCURRENCY
        self.store = Store(context.state_dir / "netsuite.db", AccountTime(zone))
        self.authority = Authority(context, account)
        self._context = context
        self.in_flight = 0
        self._script = UserEventScript(context.faults)
        query = QueryService(SuiteQl(self.store, context.clock.now), context.faults)
        records = RecordService(self.store, context, self._script.written)
        self.app = Starlette(
            routes=[
                Route(TOKEN_PATH, endpoint(self.authority.token), methods=["POST"]),
                Route(f"{_REST}/query/v1/suiteql", self._guarded(query.handle), methods=["POST"]),
                Route(f"{_REST}/record/v1/{{path:path}}", self._guarded(records.handle), methods=_METHODS),
                Route(f"{_REST}/async/v1/job/{{path:path}}", self._guarded(records.handle_job), methods=["GET"]),
            ]
        )

    def project(self, delta: Delta) -> None:
        project(self.store, delta, self._context.clock.now())
        self._script.saved(delta)

    def deploy(self, url: str, secret: str) -> None:
        """Deploy a user event script that posts to `url` and signs with `secret`."""
        self._script.poster.deploy(url, secret)

    def finish_seeding(self) -> None:
        self.store.finish_seeding()

    def error_response(self, status: int, rule: Rule) -> Response:
        return injected(status, str(rule.params.get("code", ""))).response()

    def vendor_id(self, record_type: str, world_id: int) -> str:
        return str(ids.internal_id(record_type, world_id))

    def close(self) -> None:
        self._script.poster.stop()
        self.store.close()

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Counts requests in flight (the account's pool is shared by all services), authenticates, shapes errors."""

        async def run(request: Request) -> Response:
            body = await request.body()
            if self.in_flight >= self.concurrency:
                return concurrency_exceeded().response()
            self.in_flight += 1
            try:
                return await run_in_threadpool(self._answer, handler, request, body)
            finally:
                self.in_flight -= 1

        return run

    def _answer(self, handler: Handler, request: Request, body: bytes) -> Response:
        try:
            self.authority.check(request, body)
            if self._context.faults.hit(self.name, "expire_token", request.method, request.url.path):
                self.authority.revoke(request)
                self.authority.refuse()
            return handler(request, body)
        except ApiError as error:
            return error.response()


def build(context: SandboxContext) -> NetSuiteSandbox:
    """The stand-in over `context.state_dir/netsuite.db`."""
    return NetSuiteSandbox(context)
