"""NetSuite over SuiteTalk REST: SuiteQL reads of customers, receivables documents, their lines and postings."""

from __future__ import annotations

from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.connectors.netsuite.failures import FAILURES
from arsync_pipelines.connectors.netsuite.options import NetSuiteOptions
from arsync_pipelines.connectors.netsuite.source import NetSuiteSource
from arsync_pipelines.connectors.netsuite.spec import STREAMS
from arsync_pipelines.connectors.netsuite.webhook import webhook

CONNECTOR = Connector(
    vendor="netsuite",
    title="Oracle NetSuite",
    role="erp",
    streams=STREAMS,
    options=NetSuiteOptions,
    source=NetSuiteSource,
    link=lambda options: str(options.app_url),
    failures=FAILURES,
    webhook=webhook,
    records={"invoice": "transaction", "customer": "customer"},
)
