"""Stripe calls: `Stripe-Signature: t=<unix>,v1=<hex>[,v1=...]` over `t.body`, with the whole whsec_ text as key.

An age limit holds towards the past only, as in Stripe's own libraries. Events of another account than the connection's
are kept and ignored: a Connect endpoint gets those of all accounts.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from arsync_pipelines.connectors.signing import WebhookOptions, any_matches, read_object, values_of
from arsync_pipelines.connectors.stripe.objects import KINDS
from arsync_pipelines.connectors.stripe.options import StripeOptions
from arsync_pipelines.domain.errors import WebhookForged, WebhookStale, WebhookUnreadable
from arsync_pipelines.domain.inbox import Event, Hint
from arsync_pipelines.domain.secret import Reveal
from arsync_pipelines.ports.webhook import Posted, Told, Webhook

SCHEME = "stripe-v1"
_MOST_PARTS = 20


class StripeWebhook:
    """Implements ports.webhook.Webhook."""

    def __init__(self, options: WebhookOptions, account: str, reveal: Reveal) -> None:
        self._account = account
        self._options = options
        self._reveal = reveal

    def verify(self, posted: Posted, now: datetime) -> Told:
        sent_at, given = _parsed(posted.headers.get("stripe-signature", ""))
        signed = f"{sent_at}.".encode() + posted.body
        expected = [
            hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
            for secret in values_of(self._options.secrets, self._reveal)
        ]
        if not any_matches(expected, given):
            raise WebhookForged("the signature is not one of the connection's secrets")
        if now.timestamp() - int(sent_at) > self._options.tolerance_s:
            raise WebhookStale("the signature is too old, or the clocks differ")
        event = read_object(posted.body)
        event_id, kind = event.get("id"), event.get("type")
        if not (isinstance(event_id, str) and event_id and isinstance(kind, str)):
            raise WebhookUnreadable("the body is no event: it has no id or no type")
        ours = (event.get("account") or "") == self._account
        return Told(SCHEME, (Event(event_id, kind, hints_of(event, kind) if ours else (), posted.body),))


def hints_of(event: Mapping[str, Any], kind: str) -> tuple[Hint, ...]:
    """Objects that an event asks to read again: its own first, then those that it touches."""
    data = event.get("data")
    body = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(body, Mapping):
        return ()
    own: list[Hint] = []
    other: list[Hint] = []
    for name, of_stream in KINDS.items():
        if kind in of_stream.events and (key := of_stream.touched(event)):
            (own if body.get("object") == name else other).append(Hint(name, key))
    if kind.startswith("payout.") and body.get("id"):
        # no stream follows these events, but they say that a read by creation brings news
        own += [Hint("payout", str(body["id"])), Hint("payout_transaction", str(body["id"]))]
    return (*own, *other)


def _parsed(header: str) -> tuple[str, list[str]]:
    sent_at, given = "", []
    for part in header.split(",")[:_MOST_PARTS]:
        name, _, value = part.strip().partition("=")
        if name == "t":
            sent_at = value
        elif name == "v1":
            given.append(value)
    if not (sent_at.isascii() and sent_at.isdecimal() and len(sent_at) <= 12 and given):
        raise WebhookForged("header Stripe-Signature: t=...,v1=... is needed")
    return sent_at, given


def webhook(_connection: str, options: StripeOptions, reveal: Reveal) -> Webhook | None:
    """The receiving end of a connection, None where none is configured."""
    return StripeWebhook(options.webhook, options.account, reveal) if options.webhook else None
