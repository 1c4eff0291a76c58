"""What a vendor's folder exports: one `Connector` value, which the registry lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from arsync_pipelines.domain.secret import Reveal
from arsync_pipelines.domain.taxonomy import Failure
from arsync_pipelines.ports.sink import Sink
from arsync_pipelines.ports.source import Source, StreamSpec
from arsync_pipelines.ports.webhook import Webhook

Role = Literal["crm", "erp", "processor"]


@dataclass(frozen=True, slots=True)
class Connector:
    """A vendor: its streams, the shape of its options, and how to build its source and sink.

    `options` validates the table [connections.<name>] of arsync.toml without `vendor`; `source` and `sink` take the
    connection's name, the validated options and the resolver of secrets. Building does no I/O. `prepare` creates what
    the target lacks (objects and fields of ours) and answers one line per thing it did; [] when all was there. `link`
    takes the options: where a person looks at the records of the connection. `failures`: the vendor's codes in the
    taxonomy. `webhook` builds the receiving end of what the vendor posts; None where the vendor posts nothing, it
    answers None where the connection does not want it.
    `records`: stream that holds the source record of an `invoice` and of a `customer`, where there is one.
    """

    vendor: str
    title: str
    role: Role
    streams: tuple[StreamSpec, ...]
    options: type[BaseModel]
    source: Callable[[str, Any, Reveal], Source]
    link: Callable[[Any], str]
    sink: Callable[[str, Any, Reveal], Sink] | None = None
    prepare: Callable[[str, Any, Reveal], list[str]] | None = None
    failures: tuple[Failure, ...] = ()
    webhook: Callable[[str, Any, Reveal], Webhook | None] | None = None
    records: Mapping[str, str] = field(default_factory=dict)
