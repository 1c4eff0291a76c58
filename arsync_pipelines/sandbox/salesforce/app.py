"""The ASGI side: HTTP requests to calls, answers and failures to responses. The only module that knows Starlette."""

from __future__ import annotations

import gzip
import re
import zlib
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from arsync_pipelines.sandbox.salesforce import partner
from arsync_pipelines.sandbox.salesforce.auth import OAuthError
from arsync_pipelines.sandbox.salesforce.cometd import Streaming
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError, not_found
from arsync_pipelines.sandbox.salesforce.metadata import soap
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.rest import describe
from arsync_pipelines.sandbox.salesforce.routes import dispatch
from arsync_pipelines.sandbox.salesforce.store import DEFAULT_SETTINGS
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply

_DATA = re.compile(rb"/services/data/(v\d{2,3}\.0)(?:/(.*?))?/?")
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"]
MAX_URI = 16_384


def build_app(org: Org, streaming: Streaming) -> Starlette:
    """The application of one org."""

    def response(reply: Reply) -> Response:
        content = reply.content()
        made = Response(content, reply.status, reply.headers)
        if content:
            made.headers["Content-Type"] = reply.media
        return made

    def data(request: Request, body: bytes) -> Response:
        try:
            return response(_data(org, request, body))
        except SalesforceError as error:
            return response(Reply(error.status, error.body(), error.headers))

    async def data_endpoint(request: Request) -> Response:
        return await run_in_threadpool(data, request, await request.body())

    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True)) | dict(request.query_params)
        return response(await run_in_threadpool(_token, org, request, form))

    async def revoke(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode())) | dict(request.query_params)
        await run_in_threadpool(org.sessions.revoke, form.get("token", ""))
        return Response(status_code=200)

    async def metadata(request: Request) -> Response:
        return response(await run_in_threadpool(soap.handle, org, await request.body(), request.url.path))

    async def soap_partner(request: Request) -> Response:
        return response(await run_in_threadpool(partner.handle, org, await request.body(), request.url.path))

    async def cometd(request: Request) -> Response:
        try:
            authorization = request.headers.get("authorization", "")
            await run_in_threadpool(org.sessions.user_of, authorization, "POST", request.url.path)
        except SalesforceError as error:
            return response(Reply(error.status, error.body()))
        messages = orjson.loads(await request.body())
        found = await streaming.handle(messages if isinstance(messages, list) else [messages])
        return response(Reply(200, found))

    async def settings(request: Request) -> Response:
        """Switches of the stand-in itself: no part of the vendor's API, no authorization."""
        if request.method == "PUT":
            changes = orjson.loads(await request.body())
            unknown = sorted(set(changes) - {*DEFAULT_SETTINGS, "api_requests_used"})
            if unknown:
                return response(Reply(400, {"error": f"unknown settings {unknown}; known: {sorted(DEFAULT_SETTINGS)}"}))
            for name, value in changes.items():
                if name == "api_requests_used":
                    org.usage.reset()
                else:
                    org.store.set_setting(name, value)
        return response(Reply(200, {name: org.store.settings[name] for name in DEFAULT_SETTINGS}))

    return Starlette(
        routes=[
            Route("/services/oauth2/token", token, methods=["POST"]),
            Route("/services/oauth2/revoke", revoke, methods=["GET", "POST"]),
            Route("/services/Soap/m/{version}", metadata, methods=["POST"]),
            Route("/services/Soap/m/{version}/", metadata, methods=["POST"]),
            Route("/services/Soap/u/{version}", soap_partner, methods=["POST"]),
            Route("/cometd/{version}", cometd, methods=["POST"]),
            Route("/cometd/{version}/{action:path}", cometd, methods=["POST"]),
            Route("/_sandbox/settings", settings, methods=["GET", "PUT"]),
            Route("/{path:path}", data_endpoint, methods=_METHODS),
        ]
    )


def _token(org: Org, request: Request, form: dict[str, str]) -> Reply:
    base = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
    original = request.headers.get("x-original-host", "")
    try:
        return Reply(200, org.sessions.grant(form, request.headers.get("authorization", ""), base, original))
    except OAuthError as error:
        return Reply(error.status, {"error": error.error, "error_description": error.description})


def _data(org: Org, request: Request, body: bytes) -> Reply:
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    raw_path = raw_path.partition(b"?")[0]
    if raw_path.rstrip(b"/") == b"/services/data":
        return Reply(200, describe.versions())
    found = _DATA.fullmatch(raw_path)
    if not found:
        raise not_found()
    if len(raw_path) + len(request.scope["query_string"]) > MAX_URI:
        raise SalesforceError(414, "URI_TOO_LONG", f"The URI is longer than {MAX_URI} characters: use a shorter query")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in request.headers.raw}
    user_id = org.sessions.user_of(headers.get("authorization", ""), request.method, request.url.path)
    if found[2] != b"limits":
        org.usage.charge()
    call = Call(
        request.method,
        (found[2] or b"").decode(),
        found[1].decode(),
        dict(parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True)),
        headers,
        _plain(headers, body),
        user_id,
    )
    reply = dispatch(org, call)
    reply.headers |= org.usage.header()
    return reply


def _plain(headers: dict[str, str], body: bytes) -> bytes:
    if headers.get("content-encoding", "") != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "the body is not valid gzip") from None
