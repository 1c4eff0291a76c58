"""What Dagster hands to the assets: the platform, and dbt with its generated profile."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg

from arsync_pipelines import bootstrap
from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.defs.maintenance.dead_runs import watch

OWNERS = ["team:data-engineering"]
WAREHOUSE_POOL = "arsync_warehouse"
"""One slot: whatever writes to the warehouse runs alone. The file lock binds those outside Dagster."""


FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=24), warn_window=timedelta(hours=6))
"""What every scheduled asset promises: warn after six hours without an update, fail after a day."""


class PlatformResource(dg.ConfigurableResource[Platform]):
    """Builds the platform from arsync.toml. `config_path`: empty = ARSYNC_CONFIG, else ./arsync.toml."""

    config_path: str = ""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Let others see that the run's process lives."""
        if context.instance is not None and context.run is not None:
            watch(context.instance, context.run)

    def get(self) -> Platform:
        """A platform of this step's own; building it does no I/O."""
        return bootstrap.platform(Path(self.config_path) if self.config_path else None)
