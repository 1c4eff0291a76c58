"""What belongs to each of a list of objects: the balance transactions of every payout."""

from __future__ import annotations

from collections.abc import Iterator

from arsync_pipelines.connectors.stripe.client import StripeApi
from arsync_pipelines.connectors.stripe.listing import list_created
from arsync_pipelines.connectors.stripe.objects import KINDS, Kind
from arsync_pipelines.ports.source import Cursor, Page

_BACK = frozenset({"failed", "canceled"})


def list_members(
    api: StripeApi, kind: Kind, state: Cursor, overlap: int, relist: int, since: int = 0
) -> Iterator[Page]:
    """Transactions of the payouts that a read of payouts would bring; its cursor, moved when a page of them is through.

    Stripe knows them for automatic payouts only.
    """
    for page in list_created(api, KINDS[kind.of], state, overlap, relist, since):
        for payout in page.rows:
            if not payout["automatic"] or payout["status"] in _BACK:
                continue
            for members in api.pages(kind.path, payout=payout["id"]):
                rows = [{**row, kind.of: payout["id"]} for row in kind.rows(members.data)]
                if rows:
                    yield Page(rows, state)
        yield Page([], page.cursor, (), page.final)
        state = page.cursor
