"""A warehouse file with raw tables as ingest leaves them, written row by row; and dbt run on it.

The tables come from the connectors' stream specs, so a renamed column breaks these tests. What the company's books
hold is `company.py`'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from arsync_pipelines.connectors.netsuite.spec import STREAMS as NETSUITE
from arsync_pipelines.connectors.salesforce.spec import streams as salesforce_streams
from arsync_pipelines.connectors.stripe.spec import STREAMS as STRIPE
from arsync_pipelines.connectors.tryton.spec import STREAMS as TRYTON
from arsync_pipelines.ports.source import Field, StreamSpec
from arsync_pipelines.warehouse.tables import ensure_tables
from tests.integration.dbt.in_process import Done, Worker


def _files(name: str, columns: str) -> StreamSpec:
    kinds = {"disputed": "boolean", "cancelled": "boolean", "released": "boolean", "file_line": "integer"}
    fields = tuple(Field(c, kind=kinds.get(c, "text")) for c in [*columns.split(), "file_name", "file_line"])  # type: ignore[arg-type]
    return StreamSpec(system="files", name=name, primary_key=(f"{name}_id",), fields=fields)


FILES = (
    _files("customer", "customer_id name country email phone tax_registration currency"),
    _files(
        "invoice",
        "invoice_id number customer_id legal_entity invoice_date due_date amount currency disputed disputed_amount "
        "settled_date settled_amount",
    ),
    _files("payment", "payment_id customer_id invoice_id payment_date amount currency legal_entity"),
    _files("promise", "promise_id customer_id invoice_id made_date promised_date amount currency cancelled"),
    _files("order", "order_id customer_id legal_entity order_date unbilled_amount currency released"),
)

SPECS: Mapping[str, StreamSpec] = {s.table: s for s in (*NETSUITE, *salesforce_streams(), *STRIPE, *TRYTON, *FILES)}

OWN = """
create table raw_arsync__connection (connection varchar, vendor varchar, role varchar);
create table raw_arsync__legal_entity (connection varchar, source_legal_entity_id varchar, time_zone varchar,
    crm_business_unit varchar, as_of_date date, edge_1 integer, edge_2 integer, edge_3 integer, edge_4 integer,
    aging_basis varchar);
create table raw_arsync__policy (reporting_currency varchar, as_of_date date, edge_1 integer, edge_2 integer,
    edge_3 integer, edge_4 integer, aging_basis varchar, unapplied_days integer, erp_link_template varchar);
create table if not exists raw_arsync__total (connection varchar, stream varchar, object varchar, currency varchar,
    row_count bigint, amount varchar, stood_still boolean, taken_at timestamp);
create table if not exists raw_arsync__sync (run_id varchar, connection varchar, stream varchar, state varchar,
    failure_class varchar, rows_read bigint, rows_new bigint, logged_at timestamp);
create table if not exists raw_arsync__step (step_id varchar, run_id varchar, step varchar, state varchar,
    failure_class varchar, logged_at timestamp);
create table if not exists raw_arsync__read (connection varchar, stream varchar, read_started_at timestamp,
    rows_read bigint, rows_new bigint);
create table raw_arsync__case (case_id varchar, fingerprint varchar, origin varchar, state varchar,
    failure_class varchar, code varchar, system varchar, connection varchar, object varchar, business_key varchar,
    field varchar, legal_entity_id varchar, customer_id varchar, region varchar, invoice varchar, currency varchar,
    owner varchar, assignee varchar, correlation_id varchar, amount varchar, occurrences integer,
    first_seen_at timestamp, last_seen_at timestamp, moved_at timestamp, sla_due_at timestamp, waived_until timestamp);
create table raw_arsync__push_attempt (_seq bigint, attempt_id bigint, connection varchar, object varchar,
    business_key varchar, kind varchar, outcome varchar, failure_class varchar, code varchar, planned_at timestamp,
    started_at timestamp, ended_at timestamp);
insert into raw_arsync__connection values ('crm', 'salesforce', 'crm'), ('erp', 'netsuite', 'erp'),
    ('card', 'stripe', 'processor'), ('extracts', 'files', 'erp');
"""


@dataclass
class RawWarehouse:
    """Raw tables in a DuckDB file. Every `add` is a new version of its record, loaded a second after the last.

    `loaded_at`: when what is added from now on was loaded; without it the first of July 2026.
    """

    path: Path
    seq: int = 0
    loaded_at: datetime | None = None
    pending: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stale: set[str] = field(default_factory=set)

    def create(self, as_of: date) -> None:
        with duckdb.connect(str(self.path)) as db:
            ensure_tables(db, list(SPECS.values()))
            db.execute(OWN)
        self.set_policy(as_of)

    def set_policy(self, as_of: date, *, basis: str = "due", edges: Sequence[int] = (0, 30, 60, 90)) -> None:
        with duckdb.connect(str(self.path)) as db:
            db.execute("delete from raw_arsync__policy")
            db.execute(
                "insert into raw_arsync__policy values ('USD', ?, ?, ?, ?, ?, ?, 30, 'https://erp.example/{connection}/{id}')",
                [as_of, *edges, basis],
            )

    def add(self, table: str, connection: str, /, *, _deleted: Any = False, **values: Any) -> None:
        """Queue one version; columns not named are null."""
        self.seq += 1
        row: dict[str, Any] = {
            name: json.dumps(value) if isinstance(value, dict) else value for name, value in values.items()
        }
        row |= {
            "_connection": connection,
            "_batch_id": "batch",
            "_seq": self.seq,
            "_loaded_at": self.loaded_at or datetime(2026, 7, 1) + timedelta(seconds=self.seq),
            "_is_deleted": _deleted,
            "_row_hash": str(self.seq),
        }
        self.pending.append((table, row))

    def flush(self) -> None:
        with duckdb.connect(str(self.path)) as db:
            for table, row in self.pending:
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" for _ in row)
                db.execute(f"insert into {table} ({names}) values ({marks})", list(row.values()))
        self.pending.clear()

    def execute(self, sql: str) -> None:
        with duckdb.connect(str(self.path)) as db:
            db.execute(sql)

    def drop_all_made(self) -> None:
        """Drop every table and view but the raw tables and what arsync itself keeps in a warehouse."""
        made = self.rows(
            "select 'view' as kind, view_name as name from duckdb_views() where not internal union all "
            "select 'table', table_name from duckdb_tables() where table_name not like 'raw%' "
            "and table_name not like '\\_arsync%' escape '\\'"
        )
        self.execute("; ".join(f'drop {row["kind"]} "{row["name"]}"' for row in made))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.path), read_only=True) as db:
            return _fetched(db, sql)

    def tables(self, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Every row of each table."""
        with duckdb.connect(str(self.path), read_only=True) as db:
            return {name: _fetched(db, f"select * from {name}") for name in names}

    def rebuild(self, *also: str, check: bool = True) -> Done:
        """Build and test what stands upon the tables that rows were added to, and upon `also`; the rest must be built.

        What stands upon tables that a build failed for is part of the next one again.
        """
        self.stale |= {table for table, _row in self.pending} | set(also)
        done = self.dbt("build", "--select", *(f"source:*.{table}+" for table in sorted(self.stale)), check=check)
        if not done.returncode:
            self.stale.clear()
        return done

    def dbt(self, *arguments: str, check: bool = True, unit_tests: bool = False) -> Done:
        """Run dbt, which parsed the project when it was first asked; its output is in the error when it fails.

        `unit_tests`, which look at no row of the warehouse, are part of a build when asked for.
        """
        self.flush()
        left_out = ("--exclude-resource-type", "unit_test") if arguments[0] == "build" and not unit_tests else ()
        done = Worker.shared().run(self.path, (*arguments, *left_out))
        if check and done.returncode:
            raise AssertionError(f"dbt {' '.join(arguments)} failed:\n{done.stdout}")
        return done


def _fetched(db: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = db.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
