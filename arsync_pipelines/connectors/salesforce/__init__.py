"""Salesforce: accounts and their people in, receivables out. What was verified, and how, is in README.md."""

from __future__ import annotations

from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.failures import FAILURES
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.connectors.salesforce.setup import ensure_target
from arsync_pipelines.connectors.salesforce.sink import SalesforceSink
from arsync_pipelines.connectors.salesforce.source import SalesforceSource
from arsync_pipelines.connectors.salesforce.spec import streams
from arsync_pipelines.connectors.salesforce.webhook import webhook
from arsync_pipelines.domain.secret import Reveal


def _source(connection: str, options: SalesforceOptions, reveal: Reveal) -> SalesforceSource:
    return SalesforceSource(SalesforceApi(connection, options, reveal))


def _sink(connection: str, options: SalesforceOptions, reveal: Reveal) -> SalesforceSink:
    return SalesforceSink(SalesforceApi(connection, options, reveal))


def _prepare(connection: str, options: SalesforceOptions, reveal: Reveal) -> list[str]:
    return ensure_target(SalesforceApi(connection, options, reveal))


CONNECTOR = Connector(
    vendor="salesforce",
    title="Salesforce",
    role="crm",
    streams=streams(),
    options=SalesforceOptions,
    source=_source,
    link=lambda options: str(options.base_url),
    sink=_sink,
    prepare=_prepare,
    failures=FAILURES,
    webhook=webhook,
    records={"customer": "account"},
)

__all__ = ["CONNECTOR"]
