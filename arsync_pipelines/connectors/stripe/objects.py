"""Which Stripe object feeds which stream: its address, the events that touch it, and what of it lands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arsync_pipelines.connectors.stripe import spec
from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.ports.source import StreamSpec

Body = Mapping[str, Any]

_VERSION = (
    "Does the account answer with another API version than the pinned one? Run `arsync doctor`; "
    "nothing of this page was taken"
)
_SOMETIMES = {"deleted"}
"""Columns that Stripe leaves out of an object where they would be false."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`path` of list and retrieve. `events`: types that tell of a change (at most 20 in one filter); none: the stream
    follows `created`. `references`: member of another object (in such an event) that names ours. `open`: states that
    may still change without an event. `expand`: members Stripe sends only when asked. `of`: the stream whose objects
    are asked for ours, one list each; the column of that name says which it was.
    """

    spec: StreamSpec
    path: str
    events: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    open: frozenset[str] = frozenset()
    expand: tuple[str, ...] = ()
    of: str = ""
    shape: Callable[[Body], dict[str, Any]] | None = None

    def rows(self, bodies: Sequence[Body]) -> list[dict[str, Any]]:
        """What lands: the declared columns and nothing else (no card data, no addresses beyond the customer's own).

        Raises SourceContractBroken when a column is absent from every object: null is sent as null, so it vanished; and
        when a text has become a list or an object, which would land as the text of its JSON.
        """
        if self.shape:
            return [self.shape(body) for body in bodies]
        names = [f.name for f in self.spec.fields]
        whole = [body for body in bodies if not body.get("deleted")]
        for name in names:
            if whole and name not in {*_SOMETIMES, self.of} and not any(name in body for body in whole):
                raise SourceContractBroken(
                    f"stripe stream {self.spec.name}: column {name} is gone from the answers. {_VERSION}"
                )
        rows = [{name: body[name] for name in names if name in body} for body in bodies]
        self._refuse_nested(rows)
        if self.spec.deleted_flag:
            for row in rows:
                row.setdefault(self.spec.deleted_flag, False)
        return rows

    def _refuse_nested(self, rows: Sequence[Body]) -> None:
        for name in (f.name for f in self.spec.fields if f.kind == "text"):
            nested = next((row for row in rows if isinstance(row.get(name), dict | list)), None)
            if nested is not None:
                raise SourceContractBroken(
                    f"stripe stream {self.spec.name}: column {name} is text, and in {nested['id']} it is a "
                    f"{type(nested[name]).__name__}. {_VERSION}"
                )

    def touched(self, event: Body) -> str:
        """Id of our object that an event is about, "" when it is about another kind of object."""
        body = _subject(event)
        kind = body.get("object")
        if kind == self.spec.name:
            return str(body["id"])
        return str(body.get(self.references.get(str(kind), "")) or "")


def _subject(event: Body) -> Body:
    body = (event.get("data") or {}).get("object")
    return body if isinstance(body, Mapping) else {}


def _event_row(event: Body) -> dict[str, Any]:
    body = _subject(event)
    return {
        "id": event["id"],
        "type": event["type"],
        "created": event["created"],
        "object_id": body.get("id"),
        "object_type": body.get("object"),
    }


def _types(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{name}" for name in names.split())


_REFUND = (*_types("refund", "created updated failed"), "charge.refund.updated")
_DISPUTE = _types("charge.dispute", "created updated closed funds_withdrawn funds_reinstated")

KINDS: Mapping[str, Kind] = {
    kind.spec.name: kind
    for kind in (
        Kind(spec.CUSTOMER, "/v1/customers", _types("customer", "created updated deleted")),
        Kind(
            spec.INVOICE,
            "/v1/invoices",
            (
                *_types(
                    "invoice",
                    "created finalized sent updated paid payment_failed payment_succeeded overdue marked_uncollectible "
                    "voided deleted",
                ),
                "invoice_payment.paid",
            ),
            {"invoice_payment": "invoice"},
            expand=("payments",),
        ),
        Kind(
            spec.CHARGE,
            "/v1/charges",
            (*_types("charge", "succeeded failed pending captured expired updated refunded"), *_REFUND, *_DISPUTE),
            {"refund": "charge", "dispute": "charge"},
        ),
        Kind(spec.REFUND, "/v1/refunds", _REFUND),
        Kind(spec.DISPUTE, "/v1/disputes", _DISPUTE),
        Kind(spec.PAYOUT, "/v1/payouts", open=frozenset({"pending", "in_transit"})),
        Kind(spec.BALANCE_TRANSACTION, "/v1/balance_transactions", open=frozenset({"pending"})),
        Kind(spec.PAYOUT_TRANSACTION, "/v1/balance_transactions", of="payout"),
        Kind(spec.EVENT, "/v1/events", shape=_event_row),
    )
}
