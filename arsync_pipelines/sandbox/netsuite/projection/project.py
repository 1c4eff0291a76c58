"""One delta into the store, in one transaction: reference data, customers, documents, applications, deletions."""

from __future__ import annotations

from datetime import datetime

from ...core.world.records import Delta
from ..store import Store
from .customers import project_customers
from .documents import project_documents
from .month_end import close_month
from .reference import project_reference
from .settlement import delete_transactions, link_applications, settle


def project(store: Store, delta: Delta, now: datetime) -> None:
    """Upserts by id; the same delta twice leaves the same store. After seeding, months that are over are closed."""
    with store.write() as db:
        db.execute("delete from touched")
        project_reference(db, delta, now)
        project_customers(db, delta)
        project_documents(db, delta)
        link_applications(db, delta)
        delete_transactions(db, delta.deletions)
        settle(db)
        if store.seeded:
            close_month(db, now)
