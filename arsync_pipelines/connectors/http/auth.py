"""Tokens as httpx.Auth: fetched when first needed, shared by all threads, refreshed once per expiry.

A vendor subclasses TokenAuth and says how the token request looks and how its answer is read. Secrets are revealed
inside `token_request`, so a rotated secret is picked up at the next refresh. Signatures per request (OAuth 1.0a) need
no token: write a plain httpx.Auth.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass

import httpx

from arsync_pipelines.connectors.http.errors import AccessRefused
from arsync_pipelines.connectors.http.policy import VendorError, decode_or_none
from arsync_pipelines.connectors.http.retry import retry_after_seconds
from arsync_pipelines.domain.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token; `expires_in` seconds from receipt when the vendor tells; `base_url`: where it says to go on."""

    value: str
    expires_in: float | None = None
    base_url: str = ""

    def __repr__(self) -> str:
        return "Token(***)"


class TokenUnavailable(httpx.TransportError):
    """The token endpoint is busy or down (429, 5xx): transient, and the request proper was not sent.

    `retry_after`: the seconds of silence it asked for, None when it named none.
    """

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"token endpoint answered HTTP {response.status_code}", request=response.request)
        self.retry_after = retry_after_seconds(response)


class TokenAuth(httpx.Auth, ABC):
    """Bearer token auth. `connection` names the connection in messages; `margin`: seconds before expiry to renew."""

    def __init__(self, connection: str, *, margin: float = 30.0) -> None:
        self.connection = connection
        self.margin = margin
        self.refreshes = 0
        self._token: Token | None = None
        self._expires_at: float | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def token_request(self) -> httpx.Request:
        """The request that asks for a token; reveals the secrets now."""

    @abstractmethod
    def read_token(self, response: httpx.Response) -> Token:
        """The token in a 2xx answer; raises AccessRefused when there is none."""

    def refused(self, response: httpx.Response) -> AccessRefused:
        """The error for an answer that refuses a token. OAuth 2.0 error bodies are read (RFC 6749, 5.2)."""
        body = decode_or_none(response)
        said = body if isinstance(body, dict) else {}
        reason = " ".join(str(said[k]) for k in ("error", "error_description") if said.get(k))
        return AccessRefused(
            f"connection {self.connection!r}: {response.request.url.host} refused the credentials (HTTP "
            f"{response.status_code}{': ' + reason if reason else ''}). Check client id, secret or key of the "
            f"connection in arsync.toml, then run `arsync doctor`",
            VendorError(response.status_code, str(said.get("error", "")), reason, body),
        )

    def apply(self, request: httpx.Request, token: Token) -> None:
        """Put the token on a request."""
        request.headers["Authorization"] = f"Bearer {token.value}"

    def discard(self, request: httpx.Request) -> None:
        """Forget the token `request` was sent with, unless another thread has renewed it since."""
        with self._lock:
            if self._token and request.headers.get("Authorization") == f"Bearer {self._token.value}":
                self._token = None

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        # The lock is held while the token request travels: the other threads wait and find the new token.
        with self._lock:
            token = self._token
            if token is None or (self._expires_at is not None and time.monotonic() >= self._expires_at):
                response = yield self._ask()
                response.read()
                token = self._accept(response)
        self.apply(request, token)
        yield request

    def _ask(self) -> httpx.Request:
        try:
            return self.token_request()
        except ConfigError as error:  # a secret that cannot be revealed
            raise AccessRefused(f"connection {self.connection!r}: {error}") from error

    def _accept(self, response: httpx.Response) -> Token:
        if response.status_code == 429 or response.status_code >= 500:
            raise TokenUnavailable(response)
        if not response.is_success:
            raise self.refused(response)
        token = self.read_token(response)
        lifetime = token.expires_in
        self._expires_at = None if lifetime is None else time.monotonic() + max(1.0, lifetime - self.margin)
        self._token = token
        self.refreshes += 1
        return token
