"""Stripe's codes in the taxonomy. Source: stripe.com/docs/error-codes."""

from __future__ import annotations

from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Failure

FAILURES: tuple[Failure, ...] = (
    Failure("lock_timeout", FailureClass.TRANSIENT, "another request holds the object", "data_engineering", 4,
            "nothing while it is retried; lower `concurrency` if it recurs", "stripe"),
    Failure("rate_limit", FailureClass.TRANSIENT, "more requests than Stripe allows", "data_engineering", 4,
            "nothing while it is retried; lower `concurrency` if it recurs", "stripe"),
    Failure("resource_missing", FailureClass.BUSINESS, "the object is not there", "cash_application", 24,
            "see whether it was deleted, or belongs to another account", "stripe"),
)  # fmt: skip
