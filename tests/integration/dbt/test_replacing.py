"""A model takes the place of what stands under its name, whatever that is; one that fails leaves it standing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

ROWS = "select * from dim_payment_terms order by all"


@pytest.fixture
def raw(tmp_path: Path) -> RawWarehouse:
    made = RawWarehouse(tmp_path / "warehouse.duckdb")
    made.create(company.AS_OF)
    company.write(made)
    made.dbt("run", "--select", "+dim_payment_terms")
    return made


def kinds(raw: RawWarehouse) -> dict[str, str]:
    sql = "select table_name, table_type from information_schema.tables where table_name not like 'raw%'"
    return {row["table_name"]: row["table_type"] for row in raw.rows(sql)}


def test_a_view_where_a_table_was_and_a_table_where_a_view_was(raw: RawWarehouse) -> None:
    before, rows = kinds(raw), raw.rows(ROWS)
    assert rows and (before["dim_payment_terms"], before["stg_netsuite__term"]) == ("BASE TABLE", "VIEW")
    raw.execute("drop table dim_payment_terms; create view dim_payment_terms as select 1 as one")
    raw.execute("drop view stg_netsuite__term; create table stg_netsuite__term as select 1 as one")
    raw.dbt("run", "--select", "+dim_payment_terms")
    assert (kinds(raw), raw.rows(ROWS)) == (before, rows)


def test_rows_of_other_columns_are_refused_and_leave_the_old_ones(raw: RawWarehouse) -> None:
    raw.dbt("run", "--select", "stg_netsuite__transaction")
    table = "select * from stg_netsuite__transaction order by all"
    raw.execute("alter table stg_netsuite__transaction alter column number type blob using encode(number)")
    rows = raw.rows(table)
    company.Books(raw).document("901", "CustInvc", "2026-06-01", "1", "1", "1", "10.00")
    done = raw.dbt("run", "--select", "stg_netsuite__transaction", check=False)
    assert done.returncode
    assert 'holds "number" as BLOB, the model makes it VARCHAR' in done.stdout
    assert "arsync sync --full-refresh" in done.stdout
    assert rows and raw.rows(table) == rows
    raw.dbt("run", "--select", "stg_netsuite__transaction", "--full-refresh")
    assert len(raw.rows(table)) == len(rows) + 1


def test_a_model_that_fails_leaves_the_old_table(raw: RawWarehouse) -> None:
    before, rows = kinds(raw), raw.rows(ROWS)
    raw.execute("alter view stg_netsuite__term rename to good")
    raw.execute("create view stg_netsuite__term as select * replace (error('no such term') as name) from good")
    done = raw.dbt("run", "--select", "dim_payment_terms", check=False)
    assert done.returncode and "no such term" in done.stdout
    assert raw.rows(ROWS) == rows
    raw.execute("drop view stg_netsuite__term; alter view good rename to stg_netsuite__term")
    raw.dbt("run", "--select", "dim_payment_terms")
    assert (kinds(raw), raw.rows(ROWS)) == (before, rows)
