"""HTTP for connectors: policy, retry, auth, limits and the client that joins them. Nothing of a vendor belongs here."""

from arsync_pipelines.connectors.http.auth import Token, TokenAuth
from arsync_pipelines.connectors.http.client import Call, HttpClient, Stats, Timeouts
from arsync_pipelines.connectors.http.errors import (
    AccessRefused,
    AmbiguousOutcome,
    RequestRejected,
    RetriesSpent,
)
from arsync_pipelines.connectors.http.policy import FailurePolicy, Rule, VendorError
from arsync_pipelines.connectors.http.retry import Retry, RetryBudget

__all__ = [
    "AccessRefused",
    "AmbiguousOutcome",
    "Call",
    "FailurePolicy",
    "HttpClient",
    "RequestRejected",
    "RetriesSpent",
    "Retry",
    "RetryBudget",
    "Rule",
    "Stats",
    "Timeouts",
    "Token",
    "TokenAuth",
    "VendorError",
]
