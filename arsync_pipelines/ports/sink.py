"""What a target system offers to be written: a batch of intents in, one outcome per intent out. Always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from arsync_pipelines.domain.alerts import Quota
from arsync_pipelines.domain.drift import FieldEdit
from arsync_pipelines.domain.push import FailureClass, PushIntent

OutcomeKind = Literal["acknowledged", "rejected", "retry", "unknown"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one intent.

    acknowledged  the target holds the payload; `target_id` is its record id, `created` whether it was made new
    rejected      business refusal with the vendor's `code` and `message`; a person must act
    retry         transient; not before `not_before` (UTC) when the vendor said so
    unknown       the answer was lost after the request may have taken effect; read back before any retry
    """

    intent_id: str
    kind: OutcomeKind
    target_id: str = ""
    created: bool = False
    code: str = ""
    message: str = ""
    failure_class: FailureClass | None = None
    not_before: datetime | None = None

    def __post_init__(self) -> None:
        if (self.kind == "acknowledged") == (self.failure_class is not None):
            raise ValueError("every outcome but 'acknowledged' carries a failure class, and that one carries none")


@dataclass(frozen=True, slots=True)
class SinkCapabilities:
    """`batch_size`: most rows of one write() call; above `bulk_threshold` rows of one object the sink uses its bulk
    interface. `objects`: canonical objects in the order they must be delivered (parents first). `observed_in`: object
    -> stream of the same vendor's source that shows what the target holds. `request_timeout_s`: longest time from
    sending one request to giving it up. `call_rows`: so many rows write() sends by one request, in the thread that
    called it."""

    objects: tuple[str, ...]
    batch_size: int
    bulk_threshold: int
    observed_in: Mapping[str, str]
    request_timeout_s: float = 60.0
    call_rows: int = 1


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Outcomes in the order of the intents given, and how many HTTP requests they cost."""

    outcomes: tuple[Outcome, ...]
    requests: int


@runtime_checkable
class Sink(Protocol):
    """A writable connection. A sink that cannot account for a row must not be written."""

    @property
    def connection(self) -> str: ...

    @property
    def system(self) -> str: ...

    @property
    def capabilities(self) -> SinkCapabilities: ...

    def write(self, object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
        """Upsert `intents` (all of one object, one per business key); one outcome per intent, in their order.

        Raises SinkError only when nothing was sent (credentials, configuration).
        """
        ...

    def read_back(self, object_name: str, intents: Sequence[PushIntent]) -> Mapping[str, Mapping[str, Any] | None]:
        """What the target holds now per business key, in canonical names; None where there is no such record."""
        ...


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record as the target holds it now, in canonical names and values, and who changed it last.

    `by` is a user's name, `by_id` the target's id of him, `is_own_user` whether he is the one we work as; "" and None
    where the target does not tell. A record in a recycle bin `is_deleted`; `merged_into` names the record that took
    its place. `edits`: who changed a field last, of those fields whose history the target keeps; `edits_unknown`: why
    its history could not be read, "" where it could, or where there is none.
    """

    record_id: str
    values: Mapping[str, Any]
    by_id: str = ""
    by: str = ""
    is_own_user: bool = False
    changed_at: datetime | None = None
    is_deleted: bool = False
    merged_into: str = ""
    edits: Mapping[str, FieldEdit] = field(default_factory=dict)
    edits_unknown: str = ""


@runtime_checkable
class Looks(Protocol):
    """What a sink may offer besides: who changed records last, deleted ones included. Without it drift is reported
    from what the source saw, and nobody is named."""

    def look(self, object_name: str, keys: Sequence[str]) -> Mapping[str, Sighting]:
        """What the target holds under these business keys; of several records under one key the living, the newest.
        A key that is not in the answer has no record. Raises SinkError when the target cannot be read."""
        ...


@runtime_checkable
class ReportsQuotas(Protocol):
    """What a sink may offer besides: how much of the vendor's quotas is used up, by one request."""

    def quotas(self) -> Sequence[Quota]:
        """Levels as the vendor tells them now. Raises SourceError when it does not answer."""
        ...
