"""Writes customers into Tryton as parties: found by our own identifier, only differences written, an outcome for each.

The key of a customer is a party identifier without type whose code is `external_identifier_prefix` + business key. A
merge moves it to the party that remains. Writes carry the timestamps that were read, so Tryton refuses to overwrite
what somebody else changed meanwhile; that intent is tried again later, from a new read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx

from arsync_pipelines.connectors.http import AccessRefused, AmbiguousOutcome, RequestRejected, RetriesSpent, Retry
from arsync_pipelines.connectors.tryton.client import TrytonRpc
from arsync_pipelines.connectors.tryton.errors import CONCURRENCY, POLICY
from arsync_pipelines.connectors.tryton.options import TrytonOptions
from arsync_pipelines.connectors.tryton.party import Held, Lookup, PayloadRefused, changed, created, held
from arsync_pipelines.domain.errors import SinkError, SourceError
from arsync_pipelines.domain.push import FailureClass, PushIntent
from arsync_pipelines.domain.secret import Reveal
from arsync_pipelines.ports.gate import Gate
from arsync_pipelines.ports.sink import Outcome, SinkCapabilities, WriteResult

CUSTOMER = "customer"
_BATCH = 50
_MERGES = 10
"""Parties merged into parties merged into parties: followed so far."""


class TrytonSink:
    """One company of one Tryton database as a Sink."""

    system = "tryton"

    def __init__(
        self,
        connection: str,
        options: TrytonOptions,
        reveal: Reveal,
        *,
        transport: httpx.BaseTransport | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.connection = connection
        self.options = options
        self._rpc = TrytonRpc(connection, options, reveal, transport=transport, retry=retry)

    @property
    def capabilities(self) -> SinkCapabilities:
        return SinkCapabilities((CUSTOMER,), _BATCH, _BATCH, {CUSTOMER: "party"}, self._rpc.http.timeouts.longest)

    def through(self, gate: Gate | None) -> None:
        """See ports.gate.Gated."""
        self._rpc.http.gate = gate

    def write(self, object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
        """See ports.sink.Sink. Raises SinkError when Tryton cannot be read, so nothing was sent."""
        self._check(object_name, intents)
        before = self._rpc.http.stats.requests
        try:
            known = self._known([intent.business_key for intent in intents])
            lookup = self._lookup(intents)
        except SourceError as error:
            raise SinkError(f"nothing was written: {error}") from error
        outcomes = tuple(self._written(intent, known.get(intent.business_key, []), lookup) for intent in intents)
        return WriteResult(outcomes, self._rpc.http.stats.requests - before)

    def read_back(self, object_name: str, intents: Sequence[PushIntent]) -> Mapping[str, Mapping[str, Any] | None]:
        """See ports.sink.Sink. A key that several parties carry counts as absent: nobody knows which one is ours."""
        self._check(object_name, intents)
        try:
            known = self._known([intent.business_key for intent in intents])
        except SourceError as error:
            raise SinkError(f"what was written could not be read back: {error}") from error
        found = {intent.business_key: known.get(intent.business_key, []) for intent in intents}
        return {key: rows[0].observed if len(rows) == 1 else None for key, rows in found.items()}

    def _check(self, object_name: str, intents: Sequence[PushIntent]) -> None:
        if object_name != CUSTOMER:
            raise SinkError(f"{self.connection}: Tryton takes no {object_name!r}; it takes {CUSTOMER}")
        if len({intent.business_key for intent in intents}) != len(intents):
            raise SinkError(f"{self.connection}: two intents of one customer in a batch; send the newest only")

    def _written(self, intent: PushIntent, found: Sequence[Held], lookup: Lookup) -> Outcome:
        if len(found) > 1:
            parties = ", ".join(str(row.party_id) for row in found)
            return _rejected(
                intent, "DUPLICATE_KEY", f"parties {parties} carry the same identifier {self._identifier(intent)!r}"
            )
        try:
            if found:
                return self._update(intent, found[0], lookup)
            values = created(intent.payload, self._identifier(intent), lookup)
            ids, _ = self._rpc.call("model.party.party.create", [values], safe=False)
            return Outcome(intent.intent_id, "acknowledged", target_id=str(ids[0]), created=True)
        except PayloadRefused as refused:
            failure = FailureClass.PERMANENT if refused.code == "UNMAPPED_FIELD" else FailureClass.BUSINESS
            return _rejected(intent, refused.code, str(refused), failure)
        except SourceError as error:
            return _failed(intent, error)

    def _update(self, intent: PushIntent, row: Held, lookup: Lookup) -> Outcome:
        if values := changed(intent.payload, row, lookup):
            context = {"_timestamp": dict(row.timestamps)}
            self._rpc.call("model.party.party.write", [row.party_id], values, context=context, safe=False)
        return Outcome(intent.intent_id, "acknowledged", target_id=str(row.party_id))

    def _identifier(self, intent: PushIntent) -> str:
        return self.options.external_identifier_prefix + intent.business_key

    def _known(self, keys: Sequence[str]) -> dict[str, list[Held]]:
        """Business key -> the parties that carry it now, merges followed. Raises SourceError."""
        prefix = self.options.external_identifier_prefix
        domain = [["type", "=", None], ["code", "in", [prefix + key for key in keys]]]
        carriers: dict[str, set[int]] = {}
        for row in self._rows("party.identifier", domain, ["code", "party"]):
            carriers.setdefault(str(row["code"]).removeprefix(prefix), set()).add(row["party"])
        survivors = self._survivors({party for parties in carriers.values() for party in parties})
        there = self._parties(set(survivors.values()))
        return {
            key: [there[number] for number in sorted({survivors[party] for party in parties}) if number in there]
            for key, parties in carriers.items()
        }

    def _survivors(self, parties: Iterable[int]) -> dict[int, int]:
        """Party -> the party that remains of it."""
        remains = {party: party for party in parties}
        for _ in range(_MERGES):
            asked = sorted(set(remains.values()))
            rows = self._rows("party.party", [["id", "in", asked], ["replaced_by", "!=", None]], ["replaced_by"])
            into = {row["id"]: row["replaced_by"] for row in rows} if asked else {}
            if not into:
                break
            remains = {party: into.get(now, now) for party, now in remains.items()}
        return remains

    def _parties(self, ids: Iterable[int]) -> dict[int, Held]:
        asked = sorted(ids)
        if not asked:
            return {}
        mine = [["party", "in", asked]]
        rows = self._rows("party.party", [["id", "in", asked]], ["name", "customer_payment_term.name", "_timestamp"])
        identifiers = self._rows("party.identifier", mine, ["party", "type", "code", "active", "_timestamp"])
        fields = ["party", "street_unstructured", "city", "postal_code", "country.code", "subdivision.code", "invoice"]
        addresses = self._rows("party.address", mine, [*fields, "active", "_timestamp"])
        contacts = self._rows("party.contact_mechanism", mine, ["party", "type", "value", "active", "_timestamp"])
        prefix = self.options.external_identifier_prefix

        def of(party: Mapping[str, Any], children: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
            return [child for child in children if child["party"] == party["id"]]

        return {
            row["id"]: held(row, of(row, identifiers), of(row, addresses), of(row, contacts), prefix) for row in rows
        }

    def _lookup(self, intents: Sequence[PushIntent]) -> Lookup:
        """Ids of the terms, countries and subdivisions that the payloads name."""

        def named(field: str) -> list[str]:
            return sorted({str(i.payload[field]) for i in intents if i.payload.get(field)})

        terms, countries, states = named("payment_terms"), named("billing_country"), named("billing_state")
        codes = [f"{country.upper()}-{state.upper()}" for country in countries for state in states]
        return Lookup(
            self._by("account.invoice.payment_term", "name", terms),
            self._by("country.country", "code", [country.upper() for country in countries]),
            self._by("country.subdivision", "code", codes),
        )

    def _by(self, model: str, name: str, values: list[str]) -> dict[str, int]:
        rows = self._rows(model, [[name, "in", values]], [name]) if values else []
        return {str(row[name]): row["id"] for row in rows}

    def _rows(self, model: str, domain: list[Any], fields: list[str]) -> list[Mapping[str, Any]]:
        rows, _ = self._rpc.call(f"model.{model}.search_read", domain, 0, None, [["id", "ASC"]], fields)
        return list(rows)


def _rejected(intent: PushIntent, code: str, message: str, failure: FailureClass = FailureClass.BUSINESS) -> Outcome:
    return Outcome(intent.intent_id, "rejected", code=code, message=message, failure_class=failure)


def _failed(intent: PushIntent, error: SourceError) -> Outcome:
    """What a failed call means for its intent."""
    if isinstance(error, RequestRejected):
        told = error.error
        if told.code == CONCURRENCY:
            return Outcome(
                intent.intent_id, "retry", code=told.code, message=told.message, failure_class=FailureClass.TRANSIENT
            )
        return _rejected(intent, told.code or str(told.status), told.message, POLICY.judge(told).failure)
    if isinstance(error, AmbiguousOutcome):
        return Outcome(
            intent.intent_id, "unknown", code="NO_ANSWER", message=str(error), failure_class=FailureClass.AMBIGUOUS
        )
    if isinstance(error, AccessRefused):
        return _rejected(intent, "ACCESS_REFUSED", str(error), FailureClass.PERMANENT)
    return Outcome(
        intent.intent_id,
        "retry",
        code="UNREACHABLE",
        message=str(error),
        failure_class=FailureClass.TRANSIENT,
        not_before=error.not_before if isinstance(error, RetriesSpent) else None,
    )
