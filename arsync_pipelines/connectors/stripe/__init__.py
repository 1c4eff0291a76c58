"""Stripe: customers, invoices, charges, refunds, disputes, payouts and balance transactions, by events and re-list."""

from __future__ import annotations

from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.connectors.stripe.options import StripeOptions
from arsync_pipelines.connectors.stripe.source import StripeSource
from arsync_pipelines.connectors.stripe.spec import STREAMS

CONNECTOR = Connector(
    vendor="stripe",
    title="Stripe",
    role="processor",
    streams=STREAMS,
    options=StripeOptions,
    source=StripeSource,
)
