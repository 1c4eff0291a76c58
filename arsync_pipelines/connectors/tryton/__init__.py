"""Tryton over JSON-RPC: parties, invoices, receivable lines, reconciliations and dunnings in; parties out."""

from __future__ import annotations

from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.connectors.tryton.failures import FAILURES
from arsync_pipelines.connectors.tryton.options import TrytonOptions
from arsync_pipelines.connectors.tryton.sink import TrytonSink
from arsync_pipelines.connectors.tryton.source import TrytonSource
from arsync_pipelines.connectors.tryton.spec import STREAMS

CONNECTOR = Connector(
    vendor="tryton",
    title="Tryton",
    role="erp",
    streams=STREAMS,
    options=TrytonOptions,
    source=TrytonSource,
    link=lambda options: f"{options.base_url.rstrip('/')}/#{options.database}",
    sink=TrytonSink,
    failures=FAILURES,
    records={"invoice": "invoice", "customer": "party"},
)
