"""Files as an ERP: customers, invoices and payments from a folder of CSV, Excel or Parquet extracts."""

from __future__ import annotations

from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.connectors.files.options import FilesOptions
from arsync_pipelines.connectors.files.source import FilesSource
from arsync_pipelines.connectors.files.spec import STREAMS

CONNECTOR = Connector(
    vendor="files",
    title="Files (extracts in a folder)",
    role="erp",
    streams=STREAMS,
    options=FilesOptions,
    source=FilesSource,
    link=lambda options: options.folder.absolute().as_uri(),
    records={"invoice": "invoice", "customer": "customer"},
)
