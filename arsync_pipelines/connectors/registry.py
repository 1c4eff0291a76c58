"""Every vendor arsync can speak to. A new connector is one folder, one line here, one staging folder in dbt."""

from __future__ import annotations

from arsync_pipelines.connectors import files, netsuite, salesforce, stripe, tryton
from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.domain.failures import FAILURES
from arsync_pipelines.domain.taxonomy import Taxonomy

CONNECTORS: dict[str, Connector] = {
    connector.vendor: connector
    for connector in (salesforce.CONNECTOR, netsuite.CONNECTOR, stripe.CONNECTOR, files.CONNECTOR, tryton.CONNECTOR)
}

TAXONOMY = Taxonomy((*FAILURES, *(failure for connector in CONNECTORS.values() for failure in connector.failures)))
"""What every failure code means: arsync's own and those of the vendors above. Checked when this is loaded."""
