"""An exception case: one record that a person must look at, from when it is first seen until its data is right.

    (nothing)  --opened-->        open         a problem was seen
    open       --resent-->        replaying    its change waits to be sent again
    replaying  --refused-->       open         and the target said no once more
    open       --waived-->        waived       a person says that it may stay so, why, and until when
    waived     --waiver_ended-->  open         that time is over, or a person took it back
    any of these --resolved-->    resolved     the data is right: nobody closes a case by hand
    resolved   --reopened-->      open         the problem came back

Cases with the same `fingerprint` are a group: the same thing is wrong with each of them, and one remedy may serve all.
Pure values; storage is ops/cases, what opens and closes cases is services/cases.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Failure

Origin = Literal["push", "reconciliation", "ingest", "landing", "drift"]
"""Where the problem was seen: a held intent, a finding, a row set aside, an expectation of what landed, what somebody
did to our records in a target."""

_NAMESPACE = uuid.UUID("0b0e9c5a-6f0b-5a0e-8f7e-4f0d0f7b7a51")


class CaseState(StrEnum):
    OPEN = "open"
    REPLAYING = "replaying"
    WAIVED = "waived"
    RESOLVED = "resolved"


UNRESOLVED = (CaseState.OPEN, CaseState.REPLAYING, CaseState.WAIVED)


class CaseEvent(StrEnum):
    OPENED = "opened"
    RESENT = "resent"
    REFUSED = "refused"
    WAIVED = "waived"
    WAIVER_ENDED = "waiver_ended"
    RESOLVED = "resolved"
    REOPENED = "reopened"


MOVES: Mapping[tuple[CaseState | None, CaseEvent], CaseState] = {
    (None, CaseEvent.OPENED): CaseState.OPEN,
    (CaseState.OPEN, CaseEvent.RESENT): CaseState.REPLAYING,
    (CaseState.REPLAYING, CaseEvent.REFUSED): CaseState.OPEN,
    (CaseState.OPEN, CaseEvent.WAIVED): CaseState.WAIVED,
    (CaseState.WAIVED, CaseEvent.WAIVER_ENDED): CaseState.OPEN,
    (CaseState.OPEN, CaseEvent.RESOLVED): CaseState.RESOLVED,
    (CaseState.REPLAYING, CaseEvent.RESOLVED): CaseState.RESOLVED,
    (CaseState.WAIVED, CaseEvent.RESOLVED): CaseState.RESOLVED,
    (CaseState.RESOLVED, CaseEvent.REOPENED): CaseState.OPEN,
}
"""All there is: what is not here is refused. `opened` has no state before it."""

PEOPLES = frozenset({CaseEvent.WAIVED, CaseEvent.WAIVER_ENDED, CaseEvent.RESENT})
"""Events that a person may cause; the others follow from the data alone."""


def moved(state: CaseState | None, event: CaseEvent) -> CaseState:
    """The state after an event. Raises ValueError for a move that there is not."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise ValueError(f"a case that is {state or 'not there'} cannot be {event.replace('_', ' ')}") from None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong as it was just seen; the same problem seen again has the same `case_id`.

    `record` is what the problem is about, unique within origin, connection, object and code; `business_key` what a
    person would search for. `evidence` changes with each occurrence and with nothing else. `owner` replaces that of the
    taxonomy's line where the finding itself knows better. `amount` (None: unknown) is what is at risk, in `currency`.
    """

    origin: Origin
    failure: Failure
    code: str
    system: str
    connection: str
    object: str
    record: str
    business_key: str
    evidence: str
    message: str
    seen_at: datetime
    failure_class: FailureClass | None = None
    field: str = ""
    legal_entity_id: str = ""
    customer_id: str = ""
    customer_name: str = ""
    region: str = ""
    invoice: str = ""
    amount: Decimal | None = None
    currency: str = ""
    owner: str = ""
    correlation_id: str = ""
    intent_id: str = ""

    @property
    def case_id(self) -> str:
        """The same whenever the same problem of the same record is seen."""
        return str(
            uuid.uuid5(_NAMESPACE, "|".join((self.origin, self.connection, self.object, self.code, self.record)))
        )

    @property
    def fingerprint(self) -> str:
        """Group of all problems of the same kind: 16 hexadecimal digits."""
        parts = (
            self.origin, self.failure_class or self.failure.failure_class, self.code, self.system, self.connection,
            self.object, self.legal_entity_id, self.field,
        )  # fmt: skip
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
