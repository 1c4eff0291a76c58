"""Salesforce access tokens: client credentials, JWT bearer, refresh token. Secrets are revealed per token request.

Token answers carry no lifetime: expiry is learned from a 401 INVALID_SESSION_ID (errors.py). The answer names the
instance to talk to, and requests go there.
"""

from __future__ import annotations

import base64
import time

import httpx
import jwt

from arsync_pipelines.connectors.http import AccessRefused, Token, TokenAuth
from arsync_pipelines.connectors.http.policy import decode_or_none
from arsync_pipelines.connectors.salesforce.options import JwtBearer, RefreshToken, SalesforceOptions
from arsync_pipelines.domain.secret import Reveal

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_SECONDS = 180


class SalesforceAuth(TokenAuth):
    """Bearer tokens of one org."""

    def __init__(self, connection: str, options: SalesforceOptions, reveal: Reveal) -> None:
        super().__init__(connection)
        self._options = options
        self._reveal = reveal
        self.user_id = ""
        """The user that the newest token acts as; "" before the first."""

    def token_request(self) -> httpx.Request:
        how = self._options.auth
        headers = {"Accept": "application/json"}
        client_id = self._reveal(how.client_id)
        if isinstance(how, JwtBearer):
            data = {"grant_type": _JWT_GRANT, "assertion": self._assertion(how, client_id)}
        elif isinstance(how, RefreshToken):
            data = {
                "grant_type": "refresh_token",
                "client_id": client_id,
                "refresh_token": self._reveal(how.refresh_token),
            }
            if how.client_secret:
                data["client_secret"] = self._reveal(how.client_secret)
        else:
            pair = f"{client_id}:{self._reveal(how.client_secret)}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
            data = {"grant_type": "client_credentials"}
        return httpx.Request("POST", self._options.token_url, data=data, headers=headers)

    def _assertion(self, how: JwtBearer, client_id: str) -> str:
        claims = {
            "iss": client_id,
            "sub": how.username,
            "aud": how.audience or self._options.login_url or self._options.base_url,
            "exp": int(time.time()) + _JWT_SECONDS,
        }
        try:
            return jwt.encode(claims, self._reveal(how.private_key), algorithm="RS256")
        except (jwt.exceptions.PyJWTError, ValueError, TypeError) as error:
            raise AccessRefused(
                f"connection {self.connection!r}: auth.private_key is no RSA private key in PEM form "
                f"({type(error).__name__}); give the key whose certificate the connected app holds"
            ) from None

    def read_token(self, response: httpx.Response) -> Token:
        body = decode_or_none(response)
        if not isinstance(body, dict) or not body.get("access_token"):
            raise AccessRefused(
                f"connection {self.connection!r}: {response.request.url.host} answered the token request without an "
                "access_token; is login_url right?"
            )
        self.user_id = str(body.get("id") or "").rpartition("/")[2]  # .../id/<organization>/<user>
        return Token(str(body["access_token"]), base_url=str(body.get("instance_url") or ""))

    def apply(self, request: httpx.Request, token: Token) -> None:
        super().apply(request, token)
        instance = httpx.URL(token.base_url) if token.base_url else None
        if instance is not None and instance.host and instance.netloc != request.url.netloc:
            request.url = request.url.copy_with(scheme=instance.scheme, netloc=instance.netloc)
            request.headers["Host"] = instance.netloc.decode()
