"""Every vendor arsync can speak to. A new connector is one folder, one line here, one staging folder in dbt."""

from __future__ import annotations

from arsync_pipelines.connectors import files, netsuite, salesforce, stripe, tryton
from arsync_pipelines.connectors.base import Connector

CONNECTORS: dict[str, Connector] = {
    connector.vendor: connector
    for connector in (salesforce.CONNECTOR, netsuite.CONNECTOR, stripe.CONNECTOR, files.CONNECTOR, tryton.CONNECTOR)
}
