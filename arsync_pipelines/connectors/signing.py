"""What receiving ends of all vendors share: secrets in rotation, comparison in constant time, Standard Webhooks.

Standard Webhooks (github.com/standard-webhooks/standard-webhooks): headers webhook-id, webhook-timestamp (unix seconds)
and webhook-signature (`v1,<base64>`, several separated by blanks); HMAC-SHA256 over `id.timestamp.body`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from arsync_pipelines.domain.errors import ConfigError, WebhookForged, WebhookStale, WebhookUnreadable
from arsync_pipelines.domain.secret import Reveal, SecretRef
from arsync_pipelines.ports.webhook import Posted

TOLERANCE_S = 300
STANDARD = "standard-webhooks-v1"
_SHORTEST = 24


class WebhookOptions(BaseModel):
    """What the source posts to `arsync gateway` under /webhooks/<name>. Without this table nothing is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secrets: tuple[SecretRef, ...] = Field(min_length=1)
    """Signing secrets, any of which may have signed: two while one is replaced by the other."""
    tolerance_s: int = Field(default=TOLERANCE_S, ge=1, le=3600)
    """Longest age of a signature in seconds; an older one is a replay."""


def values_of(references: Sequence[SecretRef], reveal: Reveal) -> list[str]:
    """The secrets as they are now, so that a rotated one is picked up with the next delivery. Raises ConfigError."""
    found = [reveal(reference).strip() for reference in references]
    if any(len(secret) < _SHORTEST for secret in found):
        raise ConfigError(f"a webhook secret is shorter than {_SHORTEST} characters; make a random one")
    return found


def any_matches(expected: Iterable[str], given: Iterable[str]) -> bool:
    """Whether one of `given` is one of `expected`; takes as long whichever it is."""
    presented = [value.encode() for value in given]
    found = False
    for wanted in expected:
        for value in presented:
            found |= hmac.compare_digest(wanted.encode(), value)
    return found


def check_standard(posted: Posted, options: WebhookOptions, reveal: Reveal, now: datetime) -> str:
    """The delivery's id, once its signature holds. Raises WebhookForged, WebhookStale, or ConfigError."""
    delivery_id = posted.headers.get("webhook-id", "")
    sent_at = posted.headers.get("webhook-timestamp", "")
    given = [
        value for part in posted.headers.get("webhook-signature", "").split() for version, comma, value in
        [part.partition(",")] if version == "v1" and comma
    ]  # fmt: skip
    if not delivery_id or "." in delivery_id or not sent_at.isdecimal() or len(sent_at) > 12 or not given:
        raise WebhookForged("headers webhook-id, webhook-timestamp and webhook-signature (v1,...) are needed")
    signed = f"{delivery_id}.{sent_at}.".encode() + posted.body
    expected = [
        base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
        for secret in values_of(options.secrets, reveal)
    ]
    if not any_matches(expected, given):
        raise WebhookForged("the signature is not one of the connection's secrets")
    if abs(now.timestamp() - int(sent_at)) > options.tolerance_s:
        raise WebhookStale("the signature is too old, or the clocks differ")
    return delivery_id


def _key(secret: str) -> bytes:
    """The bytes behind `whsec_<base64>`; any other secret is used as it is written."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ConfigError("a webhook secret begins with whsec_ but is not base64") from None


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body whose signature holds. Raises WebhookUnreadable."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise WebhookUnreadable("the body is not JSON") from None
    if not isinstance(told, dict):
        raise WebhookUnreadable("the body is not a JSON object")
    return told
