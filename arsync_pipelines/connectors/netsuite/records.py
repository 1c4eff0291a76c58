"""One SuiteQL answer decoded into records: a slot per selected column, made for pages of many rows.

A record costs a quarter of a dict to decode and less to write again. A column the answer leaves out is None, and None
is left out when the record is written, as SuiteQL does with nulls; what was not selected (`links`) is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from arsync_pipelines.ports.source import RenderedRows

Record = Any
"""An instance of a type made by `record_type`: columns are attributes, missing ones None."""

_LINES = msgspec.json.Encoder()


class Envelope(msgspec.Struct, gc=False):
    """An answer whose rows keep the columns they came with."""

    items: list[dict[str, Any]]
    hasMore: bool


ENVELOPE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Envelope)


def page_decoder(stream: str, columns: Sequence[str]) -> msgspec.json.Decoder[Any]:
    """Decodes an answer into an object with `items` (records of `columns`) and `hasMore`.

    Values keep the type they came with: whether one fits its column is judged when it is loaded.
    """
    record = msgspec.defstruct(
        f"{stream}_record", [(name, Any, None) for name in columns], gc=False, omit_defaults=True
    )
    page = msgspec.defstruct(f"{stream}_page", [("items", list[record]), ("hasMore", bool)], gc=False)  # type: ignore[valid-type]
    return msgspec.json.Decoder(page)


def rendered(records: Sequence[Record]) -> RenderedRows:
    """Records as rows to land."""
    return RenderedRows(_LINES.encode_lines(records), len(records))
