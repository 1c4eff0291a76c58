"""How NetSuite knows us: signed requests (TBA, OAuth 1.0a) or a bearer token for a signed assertion (OAuth 2.0 M2M)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator
from typing import Literal

import httpx
import jwt
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

from arsync_pipelines.connectors.http import AccessRefused, Token, TokenAuth
from arsync_pipelines.connectors.netsuite.options import MachineToMachine, NetSuiteOptions, TokenBased
from arsync_pipelines.domain.secret import Reveal

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - an address
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 300
RENEWALS = 2
"""How often a refused request is signed again before the refusal counts."""


class TokenBasedAuth(httpx.Auth):
    """Signs every request over method, address and query; a JSON body is not part of the signature (RFC 5849, 3.4.1.3).

    The realm is the account id in upper case, not the host's lower-case form. A refused request is signed again with
    secrets revealed anew: a token may have been rotated.
    """

    def __init__(self, account: str, options: TokenBased, reveal: Reveal) -> None:
        self._account = account.upper()
        self._options = options
        self._reveal = reveal
        self._client: Client | None = None

    def _signer(self) -> Client:
        if self._client is None:
            options = self._options
            self._client = Client(
                self._reveal(options.consumer_key),
                client_secret=self._reveal(options.consumer_secret),
                resource_owner_key=self._reveal(options.token_id),
                resource_owner_secret=self._reveal(options.token_secret),
                signature_method=SIGNATURE_HMAC_SHA256,
                realm=self._account,
            )
        return self._client

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for _ in range(1 + RENEWALS):
            self._sign(request)
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return
            self._client = None

    def _sign(self, request: httpx.Request) -> None:
        # every statement travels as POST; oauthlib's types know the methods by name only
        method: Literal["GET", "POST"] = "POST" if request.method == "POST" else "GET"
        _, headers, _ = self._signer().sign(str(request.url), http_method=method, headers={})
        request.headers["Authorization"] = headers["Authorization"]


class MachineToMachineAuth(TokenAuth):
    """Exchanges a PS256 or ES256 assertion for an access token of about an hour; there is no refresh token."""

    def __init__(self, connection: str, base_url: str, options: MachineToMachine, reveal: Reveal) -> None:
        super().__init__(connection)
        self._options = options
        self._reveal = reveal
        self._url = options.token_url or base_url + TOKEN_PATH

    def token_request(self) -> httpx.Request:
        now = int(time.time())
        claims = {
            "iss": self._reveal(self._options.client_id),
            "scope": "rest_webservices",
            "aud": self._url,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "jti": uuid.uuid4().hex,
        }
        try:
            assertion = jwt.encode(
                claims,
                self._reveal(self._options.private_key),
                algorithm=self._options.algorithm,
                headers={"kid": self._options.certificate_id},
            )
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise AccessRefused(
                f"connection {self.connection!r}: private_key cannot sign with {self._options.algorithm} "
                f"({type(error).__name__}). It must be a PEM private key, RSA for PS256 or P-256 for ES256"
            ) from error
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        return httpx.Request("POST", self._url, data=form, headers={"Accept": "application/json"})

    def read_token(self, response: httpx.Response) -> Token:
        try:
            body = response.json()
            # expires_in comes as a string
            return Token(body["access_token"], float(body.get("expires_in", 3600)))
        except (ValueError, KeyError, TypeError) as error:
            raise AccessRefused(
                f"connection {self.connection!r}: {response.request.url.host} answered without an access token; "
                f"is token_url right?"
            ) from error


def build_auth(connection: str, options: NetSuiteOptions, reveal: Reveal) -> httpx.Auth:
    """The auth the options ask for; reveals nothing yet."""
    if isinstance(options.auth, TokenBased):
        return TokenBasedAuth(options.account, options.auth, reveal)
    return MachineToMachineAuth(connection, options.url, options.auth, reveal)
