"""Dagster's own storage: SQLite in the instance's folder, or Postgres when the environment names a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from arsync_pipelines import bootstrap


class ChosenStorage(DagsterStorage, ConfigurableClass):
    """Named in dagster.yaml; building it answers one of the two storages."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {"base_dir": dg.Field(str, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Any:  # one of the two storages, never this class itself
        home, postgres_url = bootstrap.dagster_storage()
        if postgres_url:
            config: Any = {"postgres_url": postgres_url, "should_autocreate_tables": True}
            return DagsterPostgresStorage.from_config_value(inst_data, config)
        return DagsterSqliteStorage(config_value.get("base_dir") or str(home))
