"""What traces and metrics are told of a batch: its attempts by outcome, and by name those that did not end well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from arsync_pipelines.domain import telemetry
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ports.sink import Outcome

_NAMED = 100


def attempted(connection: str, object_name: str, batch: Sequence[PushIntent], outcomes: Sequence[Outcome]) -> None:
    """Count outcomes, and tell the batch's span of each attempt that was not acknowledged, up to a hundred."""
    counted = Counter(outcome.kind for outcome in outcomes)
    for kind, number in sorted(counted.items()):
        telemetry.count("attempts", number, connection=connection, object=object_name, outcome=kind)
    telemetry.note(**{str(kind): number for kind, number in counted.items()})
    facts = {intent.intent_id: intent.correlation_id for intent in batch}
    for outcome in [one for one in outcomes if one.kind != "acknowledged"][:_NAMED]:
        telemetry.happened(
            "attempt", correlation_id=facts.get(outcome.intent_id, ""), intent_id=outcome.intent_id,
            outcome=outcome.kind, code=outcome.code,
        )  # fmt: skip
