"""The wire: authentication, limits, versions, routing and idempotency around the reads and writes of this folder."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import threading
import time
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..core.context import SandboxContext
from ..core.faults import Rule
from ..core.vendor import endpoint
from ..core.world.records import Delta
from . import errors
from .errors import Invalid, Refusal
from .events import Events
from .idempotency import Idempotency, Kept, fingerprint
from .ids import WORLD_KINDS, world_id
from .objects import API_VERSION
from .params import checked, decode, strings
from .projection import Projection
from .read import Reader
from .search import FIELDS as SEARCHABLE
from .search import search
from .store import Store
from .webhooks import Deliverer
from .writes import OPERATIONS, Call, Operation
from .writes.payouts import balance

COLLECTIONS = {
    "customers": "customer",
    "invoices": "invoice",
    "invoiceitems": "invoiceitem",
    "invoice_payments": "invoice_payment",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "credit_notes": "credit_note",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "payouts": "payout",
    "events": "event",
    "webhook_endpoints": "webhook_endpoint",
}
REQUESTS_PER_SECOND = 100
SEARCHES_PER_SECOND = 20
_VERSION = re.compile(r"20\d\d-\d\d-\d\d(\.[a-z]+)?")
_PATTERNS = [(op, re.compile(op.path.replace("*", "([^/]+)"))) for op in OPERATIONS]


class Bucket:
    """Token bucket in real time."""

    def __init__(self, per_second: float) -> None:
        self._rate = self._tokens = per_second
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


class StripeSandbox:
    """One Stripe account. Keys: secrets `stripe_api_key` (all) and `stripe_restricted_key` (reads only)."""

    name = "stripe"

    def __init__(self, context: SandboxContext) -> None:
        self._context = context
        self._store = Store(context.state_dir / "stripe.db")
        self._reader = Reader(context, self._store)
        self._events = Events(self._store)
        self._idempotency = Idempotency(self._store)
        self._projection = Projection(self._store, self._events, self._reader.now)
        self._deliverer = Deliverer(self._store, self._reader, context.faults)
        self._keys = {context.secret("stripe_api_key"): True, context.secret("stripe_restricted_key"): False}
        self._requests, self._searches = Bucket(REQUESTS_PER_SECOND), Bucket(SEARCHES_PER_SECOND)
        self._deliverer.start()
        methods = ["GET", "POST", "DELETE", "PUT", "PATCH"]
        self.app = Starlette(routes=[Route("/{path:path}", endpoint(self.handle), methods=methods)])

    def project(self, delta: Delta) -> None:
        self._projection.project(delta)
        self._deliverer.wake()

    def finish_seeding(self) -> None:
        self._projection.finish_seeding()

    def error_response(self, status: int, rule: Rule) -> Response:
        refusal = errors.injected(status, str(rule.params.get("code", "")))
        return errors.render(refusal, _request_id())

    def vendor_id(self, record_type: str, world_id_: int) -> str:
        return world_id(WORLD_KINDS[record_type], world_id_)

    def close(self) -> None:
        self._deliverer.stop()
        self._store.close()

    def handle(self, request: Request, body: bytes) -> Response:
        """Answers one request; every refusal becomes Stripe's error shape."""
        request_id = _request_id()
        try:
            version = self._admit(request)
            response = self._read(request) if request.method == "GET" else self._write(request, body, request_id)
        except Refusal as refusal:
            return errors.render(refusal, request_id)
        response.headers.setdefault("Request-Id", request_id)
        response.headers["Stripe-Version"] = version
        return response

    def _admit(self, request: Request) -> str:
        """Checks rate, key and version; returns the version that answers."""
        where = ("stripe", "expire_token", request.method, request.url.path)
        if self._context.faults.hit(*where):
            raise errors.unauthorised("Expired API Key provided", "api_key_expired")
        key = _key(request.headers.get("authorization", ""))
        if not key:
            raise errors.unauthorised("You did not provide an API key.")
        full = next((full for known, full in self._keys.items() if hmac.compare_digest(known, key)), None)
        if full is None:
            raise errors.unauthorised(f"Invalid API Key provided: {key[:4]}****{key[-4:] if len(key) > 12 else ''}")
        if not self._requests.take():
            raise errors.rate_limited()
        if request.method != "GET" and not full:
            message = "The provided key does not have the required permissions for this endpoint."
            raise Refusal(403, "invalid_request_error", message, code="more_permissions_required")
        version = request.headers.get("stripe-version") or API_VERSION
        if not _VERSION.fullmatch(version):
            raise Invalid(f"Invalid Stripe API version: {version}")
        return version

    def _read(self, request: Request) -> Response:
        path = request.url.path.rstrip("/")
        params = decode(request.url.query)
        parts = path.removeprefix("/v1/").split("/") if path.startswith("/v1/") else [""]
        if path == "/v1/balance":
            return _json(balance(self._store, self._reader.now()))
        if path == "/v1/account":
            return _json(self._account())
        kind = COLLECTIONS.get(parts[0])
        if kind is None or len(parts) > 3:
            raise _unknown(request)
        if len(parts) == 1:
            return _raw(self._reader.page(kind, path, params, path))
        if len(parts) == 3:
            return self._nested(request, parts, params)
        if parts[1] == "search" and kind in SEARCHABLE:
            if not self._searches.take():
                raise errors.rate_limited("endpoint-rate")
            return _raw(search(self._reader, self._store, kind, path, params, 0.0))
        expand = checked(params, {"expand": strings}).get("expand", [])
        body = self._reader.visible(kind, parts[1])
        self._reader.expand([body], expand)
        return _json(self._reader.distort(body, path))

    def _nested(self, request: Request, parts: list[str], params: dict[str, Any]) -> Response:
        """Lists below one object."""
        path = request.url.path
        if parts[0] == "customers" and parts[2] == "balance_transactions":
            self._reader.visible("customer", parts[1])
            params["customer"] = parts[1]
            return _raw(self._reader.page("customer_balance_transaction", path, params, path))
        if parts[0] == "charges" and parts[2] == "refunds":
            self._reader.visible("charge", parts[1])
            return _raw(self._reader.page("refund", path, {**params, "charge": parts[1]}, path))
        if parts[0] == "invoices" and parts[2] == "lines":
            return _json(self._reader.visible("invoice", parts[1])["lines"])
        raise _unknown(request)

    def _account(self) -> dict[str, Any]:
        return {
            "id": f"acct_{self._context.seed:016d}",
            "object": "account",
            "charges_enabled": True,
            "country": "US",
            "default_currency": "usd",
            "details_submitted": True,
            "payouts_enabled": True,
            "settings": {"dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"}},
            "type": "standard",
        }

    def _write(self, request: Request, body: bytes, request_id: str) -> Response:
        path = request.url.path.rstrip("/")
        operation, ids = _match(request.method, path) or (None, ())
        if operation is None:
            raise _unknown(request)
        form = body.decode() or request.url.query
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is None:
            return _answer(self._execute(operation, ids, form, path, request_id, None, ""))
        mark = fingerprint(request.method, path, form)
        kept = self._idempotency.begin(key, mark)
        if kept is not None:
            return _answer(kept, {"Idempotent-Replayed": "true", "Idempotency-Key": key})
        try:
            answer = self._execute(operation, ids, form, path, request_id, key, mark)
        finally:
            self._idempotency.end(key)
        return _answer(answer, {"Idempotency-Key": key})

    def _execute(
        self,
        operation: Operation,
        ids: tuple[str, ...],
        form: str,
        path: str,
        request_id: str,
        key: str | None,
        mark: str,
    ) -> Kept:
        """Runs the write and keeps its answer under the key, in one transaction; the journal comes before its end."""
        params = checked(decode(form), operation.parameters(), operation.required)
        expand = params.pop("expand", [])
        held = self._context.faults.hit("stripe", "lock_row", operation.method, path)
        if held and "ms" in held.params:
            time.sleep(float(held.params["ms"]) / 1000)
        elif held and "status" not in held.params:
            raise errors.lock_timeout()
        with self._store as store:
            call = Call(store, self._events, self._reader.now(), request_id, key)
            try:
                if held and "status" in held.params:
                    raise errors.injected(int(held.params["status"]), str(held.params.get("code", "")))
                answer = self._succeed(call, operation, ids, params, expand)
            except Refusal as refusal:
                if not refusal.stored:
                    raise
                response = errors.render(refusal, request_id)
                headers = {"stripe-should-retry": "false", **refusal.headers} if refusal.status >= 500 else {}
                answer = Kept(refusal.status, bytes(response.body), headers, request_id)
            if key is not None:
                self._idempotency.keep(key, mark, answer)
            self._context.journal.append_many("stripe", call.journal, request_id=request_id)
        self._deliverer.wake()
        return answer

    def _succeed(
        self, call: Call, operation: Operation, ids: tuple[str, ...], params: dict[str, Any], expand: list[str]
    ) -> Kept:
        result = operation.run(call, ids, params)
        shown = self._reader.shown(result)
        if operation.path == "/v1/webhook_endpoints":
            shown["secret"] = result["secret"]
        self._reader.expand([shown], expand)
        return Kept(200, orjson.dumps(shown), {}, call.request_id)


def _request_id() -> str:
    return f"req_{secrets.token_hex(7)}"


def _key(authorization: str) -> str:
    """The API key of a Bearer or a Basic header, "" where there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except ValueError:
            return ""
    return ""


def _match(method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
    for operation, pattern in _PATTERNS:
        if operation.method == method and (match := pattern.fullmatch(path)):
            return operation, match.groups()
    return None


def _unknown(request: Request) -> Refusal:
    message = f"Unrecognized request URL ({request.method}: {request.url.path}). Please see https://stripe.com/docs."
    return Refusal(404, "invalid_request_error", message)


def _raw(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _json(body: dict[str, Any]) -> Response:
    return _raw(orjson.dumps(body))


def _answer(kept: Kept, headers: dict[str, str] | None = None) -> Response:
    extra = {**kept.headers, **(headers or {})}
    if "Idempotent-Replayed" in extra:
        extra["Original-Request"] = kept.request_id
    return Response(kept.body, kept.status, extra, "application/json")


def build(context: SandboxContext) -> StripeSandbox:
    """Opens the stand-in's store under the context's state folder."""
    return StripeSandbox(context)
