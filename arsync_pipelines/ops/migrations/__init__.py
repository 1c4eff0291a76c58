"""Migrations of the operational store, run by ops.upgrade when the store is opened. A released one is never edited."""

HEAD = "0030"
"""The newest revision. Known without loading Alembic, so that a store that is up to date opens at once."""

VERSION_TABLE = "ops_version"
"""Where a store says its revision; not Alembic's usual name, so that the database may be Dagster's too."""
