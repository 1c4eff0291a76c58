"""Tryton's JSON-RPC of one database: session, context of the company, one call. What to ask is `query.py`."""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import orjson

from arsync_pipelines.connectors.http import AccessRefused, HttpClient, Retry, Token, TokenAuth
from arsync_pipelines.connectors.http.policy import decode_or_none
from arsync_pipelines.connectors.tryton.errors import POLICY, read_error
from arsync_pipelines.connectors.tryton.options import TrytonOptions
from arsync_pipelines.connectors.tryton.values import wire
from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.domain.secret import Reveal

_JSON = {"Content-Type": "application/json"}


class SessionAuth(TokenAuth):
    """A session by login and password; begun anew when the server forgot it (restart, age, another host)."""

    def __init__(self, connection: str, options: TrytonOptions, reveal: Reveal) -> None:
        super().__init__(connection)
        self._options = options
        self._reveal = reveal

    def token_request(self) -> httpx.Request:
        options = self._options
        secret = {"password": self._reveal(options.password)}
        body = {"id": 0, "method": "common.db.login", "params": [options.user, secret, "en"]}
        url = f"{options.url}/{options.database}/rpc/"
        return httpx.Request("POST", url, content=orjson.dumps(body), headers=_JSON)

    def read_token(self, response: httpx.Response) -> Token:
        body = decode_or_none(response)
        result = body.get("result") if isinstance(body, dict) else None
        if not isinstance(result, list) or len(result) < 2:
            # a LoginException asks for another factor, with HTTP 200
            raise self.refused(response)
        user_id, session = result[0], result[1]
        return Token(base64.b64encode(f"{self._options.user}:{user_id}:{session}".encode()).decode())

    def refused(self, response: httpx.Response) -> AccessRefused:
        told = read_error(response)
        advice = {
            404: f"there is no database {self._options.database!r} at {self._options.url}",
            405: "this is no Tryton of series 8 or later",
        }.get(response.status_code, f"user {self._options.user!r} cannot log in; check user and password")
        return AccessRefused(f"connection {self.connection!r}: {advice} ({told})", told)

    def apply(self, request: httpx.Request, token: Token) -> None:
        request.headers["Authorization"] = f"Session {token.value}"

    def discard(self, request: httpx.Request) -> None:
        with self._lock:
            if self._token and request.headers.get("Authorization") == f"Session {self._token.value}":
                self._token = None


class TrytonRpc:
    """Calls to one database in the context of one company; thread-safe."""

    def __init__(
        self,
        connection: str,
        options: TrytonOptions,
        reveal: Reveal,
        *,
        transport: httpx.BaseTransport | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.connection = connection
        self.options = options
        self.http = HttpClient(
            connection=connection,
            base_url=options.url,
            policy=POLICY,
            auth=SessionAuth(connection, options, reveal),
            retry=retry,
            concurrency=options.concurrency,
            transport=transport,
        )
        self._ids = itertools.count(1)
        self._context: dict[str, Any] | None = None
        self.own_company: int | None = None
        """The company of the user's own preferences, once `context` was asked for."""
        self._lock = threading.Lock()

    @property
    def context(self) -> Mapping[str, Any]:
        """The user's preferences, the company chosen, and inactive records shown like all others.

        Raises SourceContractBroken when the user has no company: many values would then be empty without a word.
        """
        with self._lock:
            if self._context is None:
                told, _ = self._post("model.res.user.get_preferences", [True, {}], safe=True)
                self.own_company = told.get("company")
                self._context = self._company(dict(told)) | {"active_test": False}
            return self._context

    def call(
        self, method: str, *params: Any, context: Mapping[str, Any] | None = None, safe: bool = True
    ) -> tuple[Any, httpx.Response]:
        """Result (as decoded from JSON) and the HTTP answer of `model.<name>.<method>`; the context goes last.

        Raises RequestRejected when Tryton refuses, AmbiguousOutcome when an unsafe call's answer was lost.
        """
        return self._post(method, [*wire(list(params)), {**self.context, **(context or {})}], safe=safe)

    def version(self) -> tuple[str, httpx.Response]:
        """The server's series, e.g. 8.2; asks without a session of this database."""
        body = {"id": next(self._ids), "method": "common.server.version", "params": []}
        response = self.http.request("POST", "/rpc/", json=body, safe=True)
        return str(self._result(response)), response

    def _post(self, method: str, params: Sequence[Any], *, safe: bool) -> tuple[Any, httpx.Response]:
        body = {"id": next(self._ids), "method": method, "params": list(params)}
        response = self.http.request("POST", f"/{self.options.database}/rpc/", json=body, safe=safe)
        return self._result(response), response

    def _result(self, response: httpx.Response) -> Any:
        body = self.http.decode(response)
        if not isinstance(body, dict) or "result" not in body:
            raise SourceContractBroken(
                f"connection {self.connection!r}: {self.http.host} answered without a `result`; is base_url Tryton's "
                f"address?"
            )
        return body["result"]

    def _company(self, preferences: dict[str, Any]) -> dict[str, Any]:
        company = self.options.company or preferences.get("company")
        allowed = preferences.get("companies") or []
        if not company or company not in allowed:
            raise SourceContractBroken(
                f"connection {self.connection!r}: user {self.options.user!r} "
                + (f"may not see company {company}" if company else "has no company in its preferences")
                + "; add the company to the user (Administration > Users), and choose it with `company` in arsync.toml"
            )
        return {**preferences, "company": company, "companies": [company]}
