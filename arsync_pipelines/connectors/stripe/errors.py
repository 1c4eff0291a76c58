"""Stripe's failures: the policy table and how an error body is read."""

from __future__ import annotations

import httpx

from arsync_pipelines.connectors.http import FailurePolicy, Rule, VendorError
from arsync_pipelines.connectors.http.policy import decode_or_none
from arsync_pipelines.domain.push import FailureClass

MISSING = "resource_missing"

RULES: tuple[Rule, ...] = (
    # lock_timeout is contention on one object, not a rate; both pass by themselves
    Rule("retry", FailureClass.TRANSIENT, (409, 429), advice="lower `concurrency`, or ask Stripe for a higher limit"),
    Rule("refresh", FailureClass.PERMANENT, (401,), advice="check api_key; was it rolled in the Dashboard?"),
    Rule("stop", FailureClass.PERMANENT, (403,), advice="let the restricted key read this object, see the Dashboard"),
)


def read_error(response: httpx.Response) -> VendorError:
    """Code (else type) and message of the `error` object."""
    body = decode_or_none(response)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return VendorError(response.status_code, "", response.text[:200], body)
    return VendorError(
        response.status_code, str(error.get("code") or error.get("type") or ""), str(error.get("message") or ""), body
    )


POLICY = FailurePolicy("stripe", RULES, read=read_error)
