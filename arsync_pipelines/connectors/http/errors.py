"""What a call can end in besides an answer. A source lets these pass; a sink turns them into outcomes.

SourceError
|-- SourceUnreachable
|   |-- RetriesSpent       transient to the end of the budget; the request took no effect
|-- SourceUnauthorised
|   |-- AccessRefused      credentials or permissions; retrying does not help
|-- RequestRejected        the vendor understood this request and refuses it
|-- AmbiguousOutcome       an unsafe request whose answer was lost: read back before any retry
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from arsync_pipelines.domain.errors import SourceError, SourceUnauthorised, SourceUnreachable

if TYPE_CHECKING:
    from arsync_pipelines.connectors.http.policy import VendorError


class RetriesSpent(SourceUnreachable):
    """Only transient failures until the budget ended. `error`: the last answer, None when there was none.

    `not_before` (UTC): the vendor asked for silence until then, longer than the budget allows to wait.
    """

    def __init__(self, message: str, error: VendorError | None = None, not_before: datetime | None = None) -> None:
        super().__init__(message)
        self.error = error
        self.not_before = not_before


class AccessRefused(SourceUnauthorised):
    """The vendor refused credentials or permissions. `error`: its answer, None when a token could not even be built."""

    def __init__(self, message: str, error: VendorError | None = None) -> None:
        super().__init__(message)
        self.error = error


class RequestRejected(SourceError):
    """The vendor refused this very request; `error` holds status, code, message and the decoded body."""

    def __init__(self, message: str, error: VendorError) -> None:
        super().__init__(message)
        self.error = error


class AmbiguousOutcome(SourceError):
    """An unsafe request left and its answer did not arrive, or said nothing about its effect (500, 502, 504)."""
