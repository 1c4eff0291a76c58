"""Tables of exception cases. A case is one row whatever becomes of it; what happened to it are its notes, which stay.

An amount is text, so that no database makes a float of it; `Money` gives it back as a decimal.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from arsync_pipelines.domain.cases import CaseState
from arsync_pipelines.ops.tables.base import Instant, metadata
from arsync_pipelines.ops.tables.intents import push_intent

_STATES = ", ".join(f"'{state.value}'" for state in CaseState)

HELD = text("state in ('rejected', 'dead')")
STANDING = text("state <> 'resolved'")


class Money(TypeDecorator[Decimal]):
    """A decimal, exact on every database."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, _dialect: Dialect) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


exception_case = Table(
    "exception_case",
    metadata,
    Column("case_id", String(36), primary_key=True),
    Column("fingerprint", String(16), nullable=False, index=True),
    Column("origin", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("failure_class", String(20), nullable=False),
    Column("code", String(100), nullable=False),
    Column("system", String(60), nullable=False),
    Column("connection", String(100), nullable=False),
    Column("object", String(100), nullable=False),
    Column("business_key", String(255), nullable=False),
    Column("field", String(200), nullable=False),
    Column("legal_entity_id", String(255), nullable=False),
    Column("customer_id", String(255), nullable=False),
    Column("customer_name", Text, nullable=False),
    Column("region", String(100), nullable=False),
    Column("invoice", String(255), nullable=False),
    Column("amount", Money),
    Column("currency", String(10), nullable=False),
    Column("owner", String(60), nullable=False),
    Column("assignee", String(100), nullable=False, server_default=""),
    Column("message", Text, nullable=False),
    Column("advice", Text, nullable=False),
    Column("correlation_id", String(36), nullable=False),
    Column("intent_id", String(36), nullable=False),
    Column("evidence", String(255), nullable=False),
    Column("occurrences", Integer, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    # when its state was last moved
    Column("moved_at", Instant, nullable=False),
    Column("sla_due_at", Instant, nullable=False),
    Column("waived_until", Instant),
    Column("waived_because", Text, nullable=False, server_default=""),
    CheckConstraint(f"state in ({_STATES})", name="exception_case_state"),
    Index("exception_case_standing", "origin", "connection", sqlite_where=STANDING, postgresql_where=STANDING),
)  # fmt: skip

case_note = Table(
    "case_note",
    metadata,
    Column("note_id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String(36), ForeignKey("exception_case.case_id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(100), nullable=False),
    # an event of domain.cases, or `assigned` or `comment`
    Column("event", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("text", Text, nullable=False, server_default=""),
)

# what is held is looked for after every push, among millions that are not
Index("push_intent_held", push_intent.c.connection, push_intent.c.settled_at, sqlite_where=HELD, postgresql_where=HELD)
