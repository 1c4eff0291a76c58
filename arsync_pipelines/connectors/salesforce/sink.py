"""Writes receivables into an org: accounts by Id, balances and invoices by external id, an outcome for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from arsync_pipelines.connectors.salesforce import soql
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.bulk import BulkWriter, Pace
from arsync_pipelines.connectors.salesforce.check import quotas
from arsync_pipelines.connectors.salesforce.collections import ACCESS_REFUSED, CALL_ROWS, write_collections
from arsync_pipelines.connectors.salesforce.history import FieldHistory
from arsync_pipelines.connectors.salesforce.payload import ObjectShape, PayloadRefused, Row, observed, shapes
from arsync_pipelines.connectors.salesforce.sightings import MERGED, STAMPS, newest, sighting
from arsync_pipelines.connectors.salesforce.spec import OBSERVED_IN
from arsync_pipelines.domain.alerts import Quota
from arsync_pipelines.domain.errors import SinkError, SourceError
from arsync_pipelines.domain.push import FailureClass, PushIntent
from arsync_pipelines.ports.gate import Gate
from arsync_pipelines.ports.sink import Outcome, Sighting, SinkCapabilities, WriteResult


class SalesforceSink:
    """One org as a Sink. `sleep` and `monotonic` (seconds) are replaceable in tests."""

    def __init__(
        self,
        api: SalesforceApi,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._sleep = sleep
        self._monotonic = monotonic
        self._shapes = shapes(api.options.mapping)
        self._pace = Pace()
        self._history = FieldHistory(api)
        self._counted = 0
        """Requests of all writes that have ended."""

    @property
    def connection(self) -> str:
        return self._api.connection

    @property
    def system(self) -> str:
        return "salesforce"

    @property
    def capabilities(self) -> SinkCapabilities:
        options = self._api.options
        longest = self._api.http.timeouts.longest
        return SinkCapabilities(
            tuple(self._shapes), options.batch_rows, options.bulk_write_rows, OBSERVED_IN, longest, CALL_ROWS
        )

    def through(self, gate: Gate | None) -> None:
        """See ports.gate.Gated."""
        self._api.http.gate = gate

    def quotas(self) -> Sequence[Quota]:
        """See ports.sink.ReportsQuotas."""
        return quotas(self._api)

    def close(self) -> None:
        """Close the connections; also happens when the sink is forgotten."""
        self._api.close()

    def write(self, object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
        """See ports.sink.Sink. Requests count repeated ones and polling, not those for tokens.

        Raises SinkError when the org refuses our credentials before anything was written, or for a foreign object.
        """
        shape = self._shape(object_name)
        if len({i.business_key for i in intents}) != len(intents):
            raise SinkError(f"{self.connection}: two intents of one {object_name} in a batch; send the newest only")
        before = self._api.http.stats.requests - self._counted
        rows, outcomes = _mapped(shape, intents)
        if len(rows) > self._api.options.bulk_write_rows:
            written = BulkWriter(self._api, shape, self._sleep, self._monotonic, self._pace).write(rows)
        else:
            written = write_collections(self._api, shape, rows) if rows else []
        if written and all(o.code == ACCESS_REFUSED for o in written):
            raise SinkError(written[0].message)
        outcomes.update({o.intent_id: o for o in written})
        # without those of writes that passed this one on its way
        requests = self._api.http.stats.requests - self._counted - before
        self._counted += requests
        return WriteResult(tuple(outcomes[i.intent_id] for i in intents), requests)

    def read_back(self, object_name: str, intents: Sequence[PushIntent]) -> Mapping[str, Mapping[str, Any] | None]:
        """See ports.sink.Sink. A key that several records carry counts as absent: nobody knows which one is ours.

        Raises SinkError when the org cannot be read.
        """
        shape = self._shape(object_name)
        payloads = {i.business_key: i.payload for i in intents}
        found = self._by_key(shape, list(payloads), ())
        return {
            key: observed(shape, found[key][0], payload) if len(found.get(key, ())) == 1 else None
            for key, payload in payloads.items()
        }

    def look(self, object_name: str, keys: Sequence[str]) -> Mapping[str, Sighting]:
        """See ports.sink.Looks. Who changed which field is known where the org keeps field history."""
        shape = self._shape(object_name)
        found = self._by_key(shape, keys, STAMPS + (MERGED if shape.by_id else ()), deleted=True)
        own = self._api.auth.user_id
        seen = {key: newest([sighting(shape, record, own) for record in records]) for key, records in found.items()}
        return self._history.added(shape, seen)

    def _by_key(
        self, shape: ObjectShape, keys: Sequence[str], besides: Sequence[str], *, deleted: bool = False
    ) -> dict[str, list[Mapping[str, Any]]]:
        """Records by key, with the fields of the shape and `besides`. Raises SinkError."""
        fields = list(dict.fromkeys(["Id", shape.key_field, *(shape.names[name] for name in shape.kinds), *besides]))
        queries = list(soql.by_keys(shape.sobject, fields, shape.key_field, keys))
        found: dict[str, list[Mapping[str, Any]]] = {}
        try:
            for records in self._api.query_each(queries, deleted=deleted):
                for record in records:
                    found.setdefault(str(record[shape.key_field]), []).append(record)
        except SourceError as error:
            raise SinkError(f"records could not be read back: {error}") from error
        return found

    def _shape(self, object_name: str) -> ObjectShape:
        if object_name not in self._shapes:
            known = ", ".join(self._shapes)
            raise SinkError(f"{self.connection}: Salesforce takes no {object_name!r}; it takes {known}")
        return self._shapes[object_name]


def _mapped(shape: ObjectShape, intents: Sequence[PushIntent]) -> tuple[list[Row], dict[str, Outcome]]:
    """Rows that can be sent, and a rejection by intent id for those that cannot."""
    rows: list[Row] = []
    refused: dict[str, Outcome] = {}
    for intent in intents:
        try:
            rows.append(shape.row(intent))
        except PayloadRefused as error:
            refused[intent.intent_id] = Outcome(
                intent.intent_id,
                "rejected",
                code=error.code,
                message=str(error),
                failure_class=FailureClass.PERMANENT if error.code == "UNMAPPED_FIELD" else FailureClass.BUSINESS,
            )
    return rows, refused
