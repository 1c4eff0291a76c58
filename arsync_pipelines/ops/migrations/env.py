"""Alembic's entry: runs the revisions on the connection that ops.upgrade holds, inside its transaction."""

from __future__ import annotations

from alembic import context

from arsync_pipelines.ops.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], transactional_ddl=False, version_table=VERSION_TABLE
)
context.run_migrations()
