"""NetSuite's codes in the taxonomy: `o:errorCode` of REST answers. Source: SuiteTalk REST Web Services."""

from __future__ import annotations

from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Failure

FAILURES: tuple[Failure, ...] = (
    Failure("CONCURRENCY_LIMIT_EXCEEDED", FailureClass.TRANSIENT, "more requests at once than the account allows",
            "data_engineering", 4, "lower `concurrency`, or raise the account's limit", "netsuite"),
    Failure("INVALID_LOGIN", FailureClass.PERMANENT, "the token is not accepted", "data_engineering", 4,
            "check realm, token and the role's permissions", "netsuite"),
    Failure("INSUFFICIENT_PERMISSION", FailureClass.PERMANENT, "the role may not do this", "data_engineering", 4,
            "give the role the permission that the message names", "netsuite"),
    Failure("NONEXISTENT_ID", FailureClass.BUSINESS, "the record is not there", "finance_systems", 24,
            "see whether it was deleted or merged", "netsuite"),
    Failure("USER_ERROR", FailureClass.BUSINESS, "a rule of the account refuses the record", "finance_systems", 24,
            "correct what the message names", "netsuite"),
)  # fmt: skip
