"""Who may call: OAuth 1.0a signatures (TBA) verified per RFC 5849, and OAuth 2.0 client credentials (M2M).

Runs on real time. Secrets and keys come from the sandbox's folder; nothing here is logged.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
import uuid
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, unquote

import jwt
import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..core.context import SandboxContext
from .errors import ApiError, invalid_login

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
SCOPES = {"rest_webservices", "restlets", "suite_analytics"}
_WINDOW_S = 300
_TOKEN_S = 3600


class Authority:
    """One account's integration record: its consumer, token, client id and two certificates (RSA and EC)."""

    def __init__(self, context: SandboxContext, account: str) -> None:
        self.account = account
        self.consumer_key = context.secret("netsuite_consumer_key")
        self.token_id = context.secret("netsuite_token_id")
        self._consumer_secret = context.secret("netsuite_consumer_secret")
        self._token_secret = context.secret("netsuite_token_secret")
        self.client_id = context.secret("netsuite_client_id")
        self._signing_key = context.secret("netsuite_access_token_key")
        self.certificates: dict[str, Path] = {
            context.secret("netsuite_certificate_id"): context.key_pair("netsuite_m2m", "rsa")[1],
            context.secret("netsuite_certificate_id_ec"): context.key_pair("netsuite_m2m_ec", "ec")[1],
        }
        self._nonces: dict[tuple[str, str], int] = {}
        self._revoked: set[str] = set()
        self._lock = threading.Lock()

    def check(self, request: Request, body: bytes) -> None:
        """Raises ApiError 401 unless the request carries a valid signature or a valid access token."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            self._check_bearer(credentials.strip())
        elif scheme.lower() == "oauth":
            self._check_signature(request, credentials, body)
        else:
            raise invalid_login(self.account)

    def revoke(self, request: Request) -> None:
        """Ends the life of the access token that this request carries; a signature has nothing to revoke."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            self._revoked.add(credentials.strip())

    def refuse(self) -> NoReturn:
        """The answer to an expired or revoked token."""
        raise invalid_login(self.account)

    def _check_signature(self, request: Request, header: str, body: bytes) -> None:
        oauth = _header_parameters(header)
        realm, signature = oauth.pop("realm", ""), oauth.pop("oauth_signature", "")
        known = (
            realm == self.account
            and oauth.get("oauth_consumer_key") == self.consumer_key
            and oauth.get("oauth_token") == self.token_id
            and oauth.get("oauth_signature_method") == "HMAC-SHA256"
            and oauth.get("oauth_version", "1.0") == "1.0"
        )
        stamp, nonce = oauth.get("oauth_timestamp", ""), oauth.get("oauth_nonce", "")
        now = int(time.time())
        timely = stamp.isdigit() and abs(int(stamp) - now) <= _WINDOW_S and bool(nonce)
        pairs = [*oauth.items(), *parse_qsl(request.url.query, keep_blank_values=True)]
        if request.headers.get("content-type", "").partition(";")[0].strip() == "application/x-www-form-urlencoded":
            pairs += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        base = signature_base(
            request.method, request.headers.get("host", ""), request.url.scheme, request.url.path, pairs
        )
        key = f"{_encode(self._consumer_secret)}&{_encode(self._token_secret)}"
        expected = base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()
        if not (known and timely and hmac.compare_digest(expected.encode(), signature.encode())):
            raise invalid_login(self.account)
        with self._lock:
            if len(self._nonces) > 10_000:
                self._nonces = {key: at for key, at in self._nonces.items() if now - at <= 2 * _WINDOW_S}
            if (nonce, stamp) in self._nonces:
                raise invalid_login(self.account)
            self._nonces[(nonce, stamp)] = now

    def _check_bearer(self, token: str) -> None:
        try:
            jwt.decode(token, self._signing_key, algorithms=["HS256"], audience=self.account)
        except jwt.PyJWTError as error:
            raise invalid_login(self.account) from error
        if token in self._revoked:
            raise invalid_login(self.account)

    def token(self, request: Request, body: bytes) -> Response:
        """The token endpoint: a client assertion for an access token. Errors as RFC 6749 shapes them."""
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            return _refusal("unsupported_grant_type")
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            return _refusal("invalid_request")
        try:
            scope = self._read_assertion(form["client_assertion"], str(request.url.replace(query="")))
        except (jwt.PyJWTError, ApiError):
            return _refusal("invalid_client", 401)
        now = int(time.time())
        claims = {
            "iss": f"https://{self.account.lower().replace('_', '-')}.suitetalk.api.netsuite.com",
            "sub": "3;5",
            "aud": [self.account],
            "scope": scope,
            "iat": now,
            "exp": now + _TOKEN_S,
            "jti": uuid.uuid4().hex,
        }
        token = jwt.encode(claims, self._signing_key, algorithm="HS256")
        answer = {"access_token": token, "expires_in": str(_TOKEN_S), "token_type": "Bearer"}
        return Response(orjson.dumps(answer), media_type="application/json", headers={"Cache-Control": "no-store"})

    def _read_assertion(self, assertion: str, endpoint: str) -> list[str]:
        kid = jwt.get_unverified_header(assertion).get("kid", "")
        certificate = self.certificates.get(str(kid))
        if certificate is None:
            raise invalid_login(self.account)
        claims: dict[str, Any] = jwt.decode(
            assertion,
            certificate.read_text(),
            algorithms=ALGORITHMS,
            audience=endpoint,
            issuer=self.client_id,
            leeway=5,
            options={"require": ["iss", "aud", "iat", "exp", "scope"]},
        )
        scope = claims["scope"]
        scopes = scope if isinstance(scope, list) else [part.strip() for part in str(scope).split(",")]
        if (
            int(claims["exp"]) - int(claims["iat"]) > _TOKEN_S
            or "rest_webservices" not in scopes
            or set(scopes) - SCOPES
        ):
            raise invalid_login(self.account)
        return [str(part) for part in scopes]


def signature_base(method: str, host: str, scheme: str, path: str, pairs: list[tuple[str, str]]) -> str:
    """The signature base string of RFC 5849, 3.4.1: default ports are dropped, parameters encoded, then sorted."""
    host = host.lower()
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    if default and host.endswith(default):
        host = host.removesuffix(default)
    encoded = sorted((_encode(name), _encode(value)) for name, value in pairs)
    parameters = "&".join(f"{name}={value}" for name, value in encoded)
    return "&".join((method.upper(), _encode(f"{scheme}://{host}{path}"), _encode(parameters)))


def _encode(text: str) -> str:
    return quote(text, safe="~")


def _header_parameters(header: str) -> dict[str, str]:
    parameters = {}
    for item in header.split(","):
        name, _, value = item.strip().partition("=")
        parameters[name] = unquote(value.strip('"'))
    return parameters


def _refusal(code: str, status: int = 400) -> Response:
    return Response(orjson.dumps({"error": code}), status, media_type="application/json")
