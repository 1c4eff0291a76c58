"""Stripe: customers, invoices, charges, refunds, disputes, payouts and balance transactions, by events and re-list."""

from __future__ import annotations

from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.connectors.stripe.failures import FAILURES
from arsync_pipelines.connectors.stripe.options import StripeOptions
from arsync_pipelines.connectors.stripe.source import StripeSource
from arsync_pipelines.connectors.stripe.spec import STREAMS
from arsync_pipelines.connectors.stripe.webhook import webhook


def _link(options: StripeOptions) -> str:
    """Stripe's dashboard, or a stand-in's own address."""
    return "https://dashboard.stripe.com" if options.base_url == "https://api.stripe.com" else options.base_url


CONNECTOR = Connector(
    vendor="stripe",
    title="Stripe",
    role="processor",
    streams=STREAMS,
    options=StripeOptions,
    source=StripeSource,
    link=_link,
    failures=FAILURES,
    webhook=webhook,
    records={"customer": "customer"},
)
