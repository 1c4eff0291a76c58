"""The org: everything a resource needs, put together once. Holds no rules of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.salesforce.errors import not_found
from arsync_pipelines.sandbox.salesforce.query import Queries
from arsync_pipelines.sandbox.salesforce.records import Records
from arsync_pipelines.sandbox.salesforce.schema import ObjectDef
from arsync_pipelines.sandbox.salesforce.store import Store

if TYPE_CHECKING:
    from arsync_pipelines.sandbox.salesforce.auth import Sessions
    from arsync_pipelines.sandbox.salesforce.bulk.jobs import Jobs
    from arsync_pipelines.sandbox.salesforce.events import EventLog
    from arsync_pipelines.sandbox.salesforce.usage import Usage


@dataclass(slots=True)
class Org:
    """Parts of one Salesforce org."""

    context: SandboxContext
    store: Store
    records: Records
    queries: Queries
    sessions: Sessions
    usage: Usage
    events: EventLog
    jobs: Jobs

    def object(self, name: str) -> ObjectDef:
        """The object of a URL. Raises 404 NOT_FOUND."""
        found = self.store.find_object(name)
        if found is None:
            raise not_found()
        return found
