"""The small company, built once for all workers: tests that begin with it begin with a copy."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse


@pytest.fixture(scope="session")
def built_company(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> RawWarehouse:
    """Raw rows and every model of `company.write`, tested; not to be changed."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "built_company"
    folder.mkdir(exist_ok=True)
    raw = RawWarehouse(folder / "warehouse.duckdb")
    with Path(folder, "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        seq = Path(folder, "seq")
        if not seq.exists():
            raw.path.unlink(missing_ok=True)
            raw.create(company.AS_OF)
            company.write(raw)
            raw.dbt("build", unit_tests=True)
            seq.write_text(str(raw.seq), encoding="utf-8")
        raw.seq = int(seq.read_text(encoding="utf-8"))
    return raw


@pytest.fixture
def copied_company(built_company: RawWarehouse, tmp_path: Path) -> company.Books:
    """The built company in a warehouse of the test's own."""
    raw = RawWarehouse(tmp_path / "warehouse.duckdb", seq=built_company.seq)
    raw.path.write_bytes(built_company.path.read_bytes())
    return company.Books(raw)
