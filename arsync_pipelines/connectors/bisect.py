"""Finds the rows for which a vendor refuses a whole batch: halves it until each is alone and the others are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from arsync_pipelines.connectors.http.errors import RequestRejected
from arsync_pipelines.ports.sink import Outcome

RowT = TypeVar("RowT")


def bisected(
    rows: Sequence[RowT],
    send: Callable[[Sequence[RowT]], list[Outcome]],
    refused: Callable[[RowT, RequestRejected], Outcome],
    alike: Callable[[RequestRejected], bool] = lambda _error: False,
) -> list[Outcome]:
    """Outcomes of all rows, in their order. `send` raises RequestRejected for a batch that is refused as a whole.

    A row that is refused when it is alone gets `refused`, and so do all rows of a batch whose refusal meets `alike`:
    one that tells of the set-up and not of a row. One poisoned row among n costs at most 1 + 2 * ceil(log2(n)) calls.
    """
    try:
        return send(rows)
    except RequestRejected as error:
        if len(rows) == 1 or alike(error):
            return [refused(row, error) for row in rows]
    half = len(rows) // 2
    return bisected(rows[:half], send, refused, alike) + bisected(rows[half:], send, refused, alike)
