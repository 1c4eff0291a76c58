"""A folder of extracts as the only connection, and Dagster's records in a real Postgres."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from arsync_pipelines.settings import load
from tests.fixtures.postgres import Postgres, postgres

__all__ = ["postgres"]

ARSYNC_TOML = """
[connections.books]
vendor = "files"
folder = "{folder}/extracts"
currency = "USD"
[connections.books.invoices]
pattern = "*.csv"
full = true
columns = {{ invoice_id = "id", customer_id = "customer", invoice_date = "date", due_date = "due", amount = "amount" }}
"""
EXTRACT = "id,customer,date,due,amount\n1,C1,2026-05-01,2026-06-01,10.00\n2,C2,2026-05-01,2026-06-01,20.00\n"


@dataclass(frozen=True)
class Installation:
    """`home` is Dagster's folder, `database` the name of the database that keeps its records."""

    folder: Path
    server: Postgres
    database: str

    @property
    def home(self) -> Path:
        return load(self.folder / "arsync.toml").dagster_home

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return self.server.execute(sql, self.database)

    def dagster(self, *arguments: str, failpoints: str = "") -> int:
        """Dagster's own command, as its daemon or a person would start it; the return code."""
        environment = {**os.environ, "DAGSTER_HOME": str(self.home), "ARSYNC_FAILPOINTS": failpoints}
        command = [sys.executable, "-m", "dagster", *arguments]
        with (self.folder / "dagster.log").open("ab") as log:
            return subprocess.run(command, env=environment, stdout=log, stderr=log, check=False, timeout=120).returncode


@pytest.fixture
def installation(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    (tmp_path / "extracts").mkdir()
    (tmp_path / "extracts" / "invoices.csv").write_text(EXTRACT)
    (tmp_path / "arsync.toml").write_text(ARSYNC_TOML.format(folder=tmp_path))
    monkeypatch.setenv("ARSYNC_CONFIG", str(tmp_path / "arsync.toml"))
    monkeypatch.setenv("ARSYNC_DAGSTER_POSTGRES_URL", postgres.database("dagster"))
    monkeypatch.setenv("DAGSTER_HOME", "")  # run_job sets it; put back afterwards
    yield Installation(tmp_path, postgres, "dagster")
    postgres.execute('drop database "dagster" with (force)')
