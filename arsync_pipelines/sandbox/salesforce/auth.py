"""OAuth 2.0 token endpoint and the sessions it opens. Runs on real time, like the clients' clocks.

Nothing tells a client when its token ends: there is no expires_in, only a 401 one day.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from typing import Any

import jwt

from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.store import VENDOR, Store

CONSUMER_KEY = "3MVG9arsync.integration.sandbox"
USERNAME = "integration@arsync.example"
SECRET = "salesforce_client_secret"  # names of files in the sandbox's secrets folder
REFRESH_TOKEN = "salesforce_refresh_token"
KEY_PAIR = "salesforce_jwt"

ORGANIZATION_ID = ids.make("00D", 1)
USER_ID = ids.make("005", 0)
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")


class OAuthError(Exception):
    """A refused token request: `{"error", "error_description"}`."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


class Sessions:
    """Grants and checks access tokens."""

    def __init__(self, context: SandboxContext, store: Store) -> None:
        self._context = context
        self._store = store
        self._secret = context.secret(SECRET)
        self._refresh = context.secret(REFRESH_TOKEN)
        _, public = context.key_pair(KEY_PAIR, "rsa")
        self._public_key = public.read_text()

    def grant(self, form: dict[str, str], authorization: str, base_url: str, original_host: str = "") -> dict[str, Any]:
        """The answer to POST /services/oauth2/token. Raises OAuthError."""
        kind = form.get("grant_type", "")
        if kind == "client_credentials":
            if original_host.split(".", maxsplit=1)[0] in ("login", "test"):
                raise OAuthError("invalid_grant", "request not supported on this domain")
            self._check_client(form, authorization)
            return self._open(base_url)
        if kind == "refresh_token":
            self._check_client(form, authorization)
            if not hmac.compare_digest(form.get("refresh_token", ""), self._refresh):
                raise OAuthError("invalid_grant", "expired access/refresh token")
            return self._open(base_url)
        if kind == _JWT:
            return self._open(base_url, self._asserted_user(form.get("assertion", ""), base_url))
        raise OAuthError("unsupported_grant_type", "grant type not supported")

    def user_of(self, authorization: str, method: str, path: str) -> str:
        """The user behind an Authorization header. Raises 401 INVALID_SESSION_ID."""
        scheme, _, token = authorization.partition(" ")
        return self.user_of_token(token.strip() if scheme.lower() in ("bearer", "oauth") else "", method, path)

    def user_of_token(self, token: str, method: str, path: str) -> str:
        """The user behind a token."""
        with self._store.lock:
            row = self._store.connection.execute(
                "select user_id, expires_at from session where token = ?", (token,)
            ).fetchone()
            if row and self._context.faults.hit(VENDOR, "expire_token", method, path):
                self.revoke(token)
                row = None
        if row is None or row[1] < time.time():
            raise SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return str(row[0])

    def revoke(self, token: str) -> None:
        """End a session."""
        with self._store.lock:
            self._store.connection.execute("delete from session where token = ?", (token,))

    def _open(self, base_url: str, user_id: str = USER_ID) -> dict[str, Any]:
        token = f"{ORGANIZATION_ID[:15]}!{secrets.token_urlsafe(72)}"
        lifetime = float(self._store.settings["session_seconds"])
        issued = str(int(time.time() * 1000))
        with self._store.lock:
            self._store.connection.execute("delete from session where expires_at < ?", (time.time(),))
            self._store.connection.execute(
                "insert into session values (?, ?, ?, ?)", (token, user_id, CONSUMER_KEY, time.time() + lifetime)
            )
        identity = f"https://login.salesforce.com/id/{ORGANIZATION_ID}/{user_id}"
        signed = hmac.new(self._secret.encode(), f"{identity}{issued}".encode(), hashlib.sha256).digest()
        return {
            "access_token": token,
            "signature": base64.b64encode(signed).decode(),
            "scope": "api refresh_token",
            "instance_url": base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
        }

    def _check_client(self, form: dict[str, str], authorization: str) -> None:
        key, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.lower().startswith("basic "):
            try:
                key, _, secret = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise OAuthError("invalid_client", "invalid client credentials") from None
        if key != CONSUMER_KEY:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret, self._secret):
            raise OAuthError("invalid_client", "invalid client credentials")

    def _asserted_user(self, assertion: str, base_url: str) -> str:
        """The user that a JWT names: the integration user, or any active one. All have approved the consumer."""
        options: Any = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False}
        try:
            claims = jwt.decode(assertion, self._public_key, algorithms=["RS256"], options=options)
        except jwt.InvalidTokenError:
            raise OAuthError("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != CONSUMER_KEY:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        audience = claims.get("aud")
        given = audience if isinstance(audience, list) else [audience]
        if not set(given) & {*_AUDIENCES, base_url, f"{base_url}/services/oauth2/token"}:
            raise OAuthError("invalid_grant", "audience is invalid")
        user_id = self._active_user(str(claims.get("sub")))
        if user_id is None:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        try:
            expires = int(str(claims.get("exp")))  # digits in a string are fine
        except ValueError:
            raise OAuthError("invalid_grant", "invalid assertion") from None
        if expires <= time.time():
            raise OAuthError("invalid_grant", "expired authorization code")
        return user_id

    def _active_user(self, username: str) -> str | None:
        with self._store.lock:
            row = self._store.connection.execute(
                'select "Id" from "o_User" where "Username" = ? and "IsActive" = 1 limit 1', (username,)
            ).fetchone()
        return str(row[0]) if row else None
