"""Tables of the operational store (SQLAlchemy Core), a file per concern. Migrations make them; these describe them."""

from arsync_pipelines.ops.tables.alerts import alert, alert_message, quota_level
from arsync_pipelines.ops.tables.archive import archive_segment
from arsync_pipelines.ops.tables.audit import audit_checkpoint, audit_event, audit_head
from arsync_pipelines.ops.tables.base import metadata
from arsync_pipelines.ops.tables.cases import case_note, exception_case
from arsync_pipelines.ops.tables.drift import drift_finding
from arsync_pipelines.ops.tables.inbox import inbox_event
from arsync_pipelines.ops.tables.intents import push_attempt, push_intent, push_key
from arsync_pipelines.ops.tables.leases import lease, lease_counter
from arsync_pipelines.ops.tables.limits import connection_limit

__all__ = [
    "alert",
    "alert_message",
    "archive_segment",
    "audit_checkpoint",
    "audit_event",
    "audit_head",
    "case_note",
    "connection_limit",
    "drift_finding",
    "exception_case",
    "inbox_event",
    "lease",
    "lease_counter",
    "metadata",
    "push_attempt",
    "push_intent",
    "push_key",
    "quota_level",
]
