"""The operational store as the rest of arsync sees it: one repository per concern over one database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from arsync_pipelines.ops.alerts import AlertStore
from arsync_pipelines.ops.archive.store import ArchiveStore
from arsync_pipelines.ops.audit.checkpoints import CheckpointStore
from arsync_pipelines.ops.audit.verify import Verification, verify
from arsync_pipelines.ops.cases.store import CaseStore
from arsync_pipelines.ops.clock import Clock, StoreClock
from arsync_pipelines.ops.drift import DriftStore
from arsync_pipelines.ops.engine import open_postgres, open_sqlite
from arsync_pipelines.ops.held import HeldStore
from arsync_pipelines.ops.inbox import InboxStore
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ops.leases import LeaseStore
from arsync_pipelines.ops.limits import LimitStore
from arsync_pipelines.ops.tracing import TraceStore
from arsync_pipelines.ops.unit import Transactions


class OpsStore:
    """Repositories over one engine. `folder` is where checkpoints are exported to, `archive` where what has ended long
    ago goes (default: a folder there), `actor` whom the audit names.

    `clock` replaces the database's own for leases and limits, in tests."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        actor: str = "arsync",
        clock: Clock | None = None,
        archive: Path | None = None,
    ) -> None:
        self.engine = engine
        self._transactions = Transactions(engine, actor)
        self.leases = LeaseStore(self._transactions, StoreClock(clock))
        self.limits = LimitStore(self._transactions, StoreClock(clock))
        self.intents = IntentStore(self._transactions, self.leases)
        self.inbox = InboxStore(self._transactions)
        self.archive = ArchiveStore(self._transactions, archive or folder / "archive")
        self.traces = TraceStore(self._transactions, self.archive)
        self.held = HeldStore(self._transactions)
        self.drift = DriftStore(self._transactions)
        self.cases = CaseStore(self._transactions)
        self.alerts = AlertStore(self._transactions)
        self.checkpoints = CheckpointStore(self._transactions, folder)

    def verify(self) -> Verification:
        """Check the audit chain with itself, its checkpoints and the archive."""
        return verify(self._transactions, self.checkpoints, self.archive.folder)

    def close(self) -> None:
        """Give the database's connections back."""
        self.engine.dispose()


def open_store(
    path: Path, url: str = "", actor: str = "arsync", clock: Clock | None = None, archive: Path | None = None
) -> OpsStore:
    """The store at `url` (Postgres), or the SQLite file `path`; checkpoints are exported beside that path either way.

    `clock` and `archive` as OpsStore's. Raises ConfigError for an address that is none, OpsStoreError when the store
    cannot be opened or a newer arsync made it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return OpsStore(open_postgres(url) if url else open_sqlite(path), path.parent, actor, clock, archive)
