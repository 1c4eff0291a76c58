"""Puts the org together and gives the runtime its handle on it."""

from __future__ import annotations

from functools import partial

from starlette.applications import Starlette
from starlette.responses import Response

from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.faults import Rule
from arsync_pipelines.sandbox.core.world.records import Delta
from arsync_pipelines.sandbox.salesforce import projection
from arsync_pipelines.sandbox.salesforce.app import build_app
from arsync_pipelines.sandbox.salesforce.auth import Sessions
from arsync_pipelines.sandbox.salesforce.bulk import extract, ingest
from arsync_pipelines.sandbox.salesforce.bulk.jobs import Jobs
from arsync_pipelines.sandbox.salesforce.cometd import Streaming
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError, body_for_status
from arsync_pipelines.sandbox.salesforce.events import EventLog
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.query import Queries
from arsync_pipelines.sandbox.salesforce.records import Records
from arsync_pipelines.sandbox.salesforce.relay import Relay
from arsync_pipelines.sandbox.salesforce.store import VENDOR, Store
from arsync_pipelines.sandbox.salesforce.usage import Usage
from arsync_pipelines.sandbox.salesforce.wire import Reply


class SalesforceSandbox:
    """The Salesforce stand-in: one org over `salesforce.db` in the state folder."""

    name = VENDOR

    def __init__(self, context: SandboxContext) -> None:
        store = Store(context.state_dir / f"{VENDOR}.db", context.clock, context.journal)
        records = Records(store, context.faults)
        jobs = Jobs(store)
        events = EventLog(store, context.seed)
        self.org = Org(
            context,
            store,
            records,
            Queries(store, context.faults),
            Sessions(context, store),
            Usage(store),
            events,
            jobs,
        )
        self._projection = projection.Projection(store, records)
        jobs.start(partial(ingest.work, self.org), partial(extract.work, self.org))
        self._relay = Relay(events, context.faults)
        self.app: Starlette = build_app(self.org, Streaming(store, events, context.faults))

    def project(self, delta: Delta) -> None:
        """Upsert the world's CRM records by id."""
        self._projection.project(delta)

    def finish_seeding(self) -> None:
        """Build indexes and make writes durable."""
        self._projection.finish_seeding()

    def error_response(self, status: int, rule: Rule) -> Response:
        """An injected failure in Salesforce's shape; `params.code` and `params.message` choose another error."""
        body = body_for_status(status)
        if "code" in rule.params:
            body = SalesforceError(status, rule.params["code"], rule.params.get("message", "injected fault")).body()
        reply = Reply(status, body)
        return Response(reply.content(), status, media_type=reply.media)

    def vendor_id(self, record_type: str, world_id: int) -> str:
        """The record id of a world record. Raises KeyError for types this org does not hold."""
        return projection.vendor_id(record_type, world_id)

    def deploy(self, url: str, secret: str, skip_client: str = "") -> None:
        """Post change events to `url`, signed with `secret`; not those of the API client `skip_client`."""
        self._relay.deploy(url, secret, skip_client)

    def close(self) -> None:
        """Stop the bulk worker and the relay, and close the store."""
        self._relay.stop()
        self.org.jobs.stop()
        self.org.store.close()
