"""Tables of the operational store (SQLAlchemy Core), a file per concern. Migrations make them; these describe them."""

from arsync_pipelines.ops.tables.audit import audit_checkpoint, audit_event, audit_head
from arsync_pipelines.ops.tables.base import metadata
from arsync_pipelines.ops.tables.inbox import inbox_event
from arsync_pipelines.ops.tables.intents import push_attempt, push_intent, push_key

__all__ = [
    "audit_checkpoint",
    "audit_event",
    "audit_head",
    "inbox_event",
    "metadata",
    "push_attempt",
    "push_intent",
    "push_key",
]
