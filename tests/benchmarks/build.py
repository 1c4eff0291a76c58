"""The build of a million invoices, whole and after a change of one per cent: models and tests, as a sync runs them.

Raw rows are made by SQL: one legal entity, three lines an invoice, four fifths of them paid in full or in half, every
customer with a CRM account that already shows what was pushed. The change is a payment for one invoice in a hundred.

    arsync bench build
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from arsync_pipelines.connectors.salesforce.fields import ACCOUNT, ACCOUNT_BALANCE, INVOICE
from tests.benchmarks.one_build import warehouse_path
from tests.benchmarks.report import Target, main
from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

INVOICES = 1_000_000
TARGETS = (Target("full_s", at_most=90), Target("change_share_of_full", at_most=0.20))
ROOT = Path(__file__).parents[2]
_META = (
    "'erp' as _connection, 'bench' as _batch_id, {first} + row_number() over () as _seq, "
    "timestamp '2026-07-01 06:00:00' as _loaded_at, false as _is_deleted, hash(random()) as _row_hash"
)
_HEADER = (
    "'1' as subsidiary, 'A' as status, '1' as currency, '1' as exchangerate, 'F' as voided, 'F' as isreversal, "
    "'{stamp}' as createddate, '{stamp}' as lastmodifieddate"
)


def run(scale: float = 1.0) -> dict[str, Any]:
    """Wall and processor seconds of the full build, of one without news and of one after the change."""
    invoices = max(1000, int(INVOICES * scale))
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        path = warehouse_path(folder)
        _fill(path, invoices)
        full = _build(folder)
        _show_as_pushed(path)
        pushed = _build(folder)  # the CRM's side is read once more, as after every push
        idle = _build(folder)
        changed = _change(path, invoices)
        change = _build(folder)
    named = {"full": full, "all_pushed": pushed, "nothing_new": idle, "change": change}
    return {
        "invoices": invoices,
        "changed_invoices": changed,
        **{f"{name}_s": round(build["wall_s"], 1) for name, build in named.items()},
        **{f"{name}_cpu_s": round(build["cpu_s"], 1) for name, build in named.items()},
        **{f"{name}_models": build["models_built"] for name, build in named.items()},
        **{f"{name}_tests": build["tests_run"] for name, build in named.items()},
        "change_share_of_full": round(change["wall_s"] / full["wall_s"], 3),
    }


def _build(folder: Path) -> dict[str, Any]:
    """The build step of a sync in a process of its own. Raises RuntimeError with what it said when it fails."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.one_build", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the build failed: {done.stderr[-3000:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


class _Raw:
    """Appends SQL results to raw tables, numbering versions on."""

    def __init__(self, path: Path) -> None:
        self.db = duckdb.connect(str(path))
        tables = self.db.sql(
            "select table_name from information_schema.columns where column_name = '_seq' and table_name like 'raw_%'"
        ).fetchall()
        highest = [self.db.sql(f"select coalesce(max(_seq), 0) from {name}").fetchall()[0][0] for (name,) in tables]
        self.next = max(highest) + 1

    def add(self, table: str, rows: str, connection: str = "erp") -> int:
        meta = _META.format(first=self.next).replace("'erp'", f"'{connection}'")
        count: int = self.db.execute(f"insert into {table} by name select *, {meta} from ({rows})").fetchall()[0][0]
        self.next += count + 1
        return count


def _fill(path: Path, invoices: int) -> None:
    """Make the raw tables of `invoices` invoices and their customers, payments, lines, postings and links."""
    warehouse = RawWarehouse(path)
    warehouse.create(company.AS_OF)
    company.Books(warehouse).set_up()
    warehouse.flush()
    raw = _Raw(path)
    customers = max(10, invoices // 20)
    raw.add(
        "raw_netsuite__customer",
        "select i::varchar as id, 'C' || lpad(i::varchar, 7, '0') as entityid, 'Company ' || i as companyname, "
        "'1' as subsidiary, '1' as currency, '1' as terms, '10000' as creditlimit, 'AUTO' as creditholdoverride, "
        "case when i % 3 = 0 then 'T' || i end as vatregnumber, 'US' as billing_country, 'F' as isinactive "
        f"from range(1, {customers} + 1) t(i)",
    )
    raw.add(
        "raw_salesforce__account",
        "select '001' || lpad(i::varchar, 12, '0') || 'AAA' as id, 'Company ' || i as name, 'US' as billing_country, "
        "case when i % 3 <> 0 then 'C' || lpad(i::varchar, 7, '0') end as erp_customer_id, "
        "case when i % 3 = 0 then 'T' || i end as tax_registration, false as is_deleted, "
        "'2025-01-01T00:00:00.000+0000' as created_date, '2025-01-01T00:00:00.000+0000' as system_modstamp "
        f"from range(1, {customers} + 1) t(i)",
        connection="crm",
    )
    raw.db.execute(
        f"create temp table inv as select i, (i % {customers}) + 1 as customer, "
        "date '2025-01-01' + (i % 540)::int as day, "
        f"(((i * 7919) % 100000 + 100) / 100.0)::decimal(18, 2) as amount from range(1, {invoices} + 1) t(i)"
    )
    raw.db.execute(
        f"create temp table pay as select i + {invoices} as id, i, customer, day + 20 + (i % 40)::int as day, "
        "case when i % 10 = 0 then (amount / 2)::decimal(18, 2) else amount end as amount from inv "
        "where i % 10 < 8 and day + 20 + (i % 40)::int <= date '2026-07-01'"
    )
    header = _HEADER.format(stamp="2026-06-30 00:00:00")
    raw.add(
        "raw_netsuite__transaction",
        f"select i::varchar as id, 'INV' || i as tranid, 'CustInvc' as type, day::varchar as trandate, "
        f"(day + 30)::varchar as duedate, customer::varchar as entity, amount::varchar as foreigntotal, '1' as terms, "
        f"case when i % 200 = 0 then '5.00' end as custbody_disputed_amount, {header} from inv "
        f"union all by name select id::varchar as id, 'PMT' || id as tranid, 'CustPymt' as type, "
        f"day::varchar as trandate, customer::varchar as entity, amount::varchar as foreigntotal, {header} from pay",
    )
    # l numbers the lines: 0 is the receivable, the rest its counterpart
    line = (
        "l::varchar as id, l::varchar as linesequencenumber, if(l = 0, 'T', 'F') as mainline, 'F' as taxline, "
        "customer::varchar as entity, '1' as subsidiary, '2026-06-30 00:00:00' as transaction_lastmodified"
    )
    raw.add(
        "raw_netsuite__transaction_line",
        "select i::varchar as transaction, "
        "(amount * [1, -0.75, -0.25][l + 1])::decimal(18, 4)::varchar as foreignamount, "
        f"{line} from inv, range(3) x(l) union all by name "
        f"select pay.id::varchar as transaction, (amount * [-1, 1][l + 1])::decimal(18, 4)::varchar as foreignamount, "
        f"{line} from pay, range(2) x(l)",
    )
    raw.add(
        "raw_netsuite__transaction_accounting_line",
        "select transaction, id as transactionline, if(id = '0', '101', '400') as account, foreignamount as amount, "
        "'T' as posting, transaction_lastmodified from raw_netsuite__transaction_line",
    )
    raw.add(
        "raw_netsuite__transaction_link",
        "select i::varchar as previousdoc, '0' as previousline, 'CustInvc' as previoustype, id::varchar as nextdoc, "
        "'0' as nextline, 'CustPymt' as nexttype, 'Payment' as linktype, amount::varchar as foreignamount, "
        "'2026-06-30 00:00:00' as transaction_lastmodified from pay",
    )
    raw.db.close()


def _show_as_pushed(path: Path) -> None:
    """Let the CRM show what the differences asked for."""
    raw = _Raw(path)
    stamp = "'2026-07-01T00:00:00.000+0000' as system_modstamp, false as is_deleted"
    for name, fields in (("invoice", INVOICE), ("account_balance", ACCOUNT_BALANCE)):
        shown = ", ".join(_shown(field) for field in fields if field != "external_id")
        raw.add(
            f"raw_salesforce__ar_{name}",
            f"select business_key as id, business_key as external_id, {shown}, {stamp} from sync_salesforce__{name}",
            connection="crm",
        )
    shown = ", ".join(_shown(field, "" if field == "erp_customer_id" else "ar__") for field in ACCOUNT)
    own = "id, name, billing_country, tax_registration, created_date"
    raw.add(
        "raw_salesforce__account",
        f"select {own}, {shown}, {stamp} from sync_salesforce__account "
        "join raw_salesforce__account as account on account.id = business_key",
        connection="crm",
    )
    raw.db.close()


def _shown(field: str, prefix: str = "") -> str:
    value = f"json_extract_string(payload, '$.{field}')"
    return f'{value + "::boolean" if field == "credit_hold" else value} as "{prefix}{field}"'


def _change(path: Path, invoices: int) -> int:
    """A payment in full for every hundredth invoice; how many. The invoice becomes a new version too, as in the ERP."""
    raw = _Raw(path)
    stamp = "2026-07-01 05:00:00"
    raw.db.execute(
        "create temp table paid as select id, (id::int + 80000000)::varchar as payment, entity, "
        "foreigntotal::decimal(18, 2) as amount from "
        "raw_netsuite__transaction where type = 'CustInvc' and id::int % 100 = 9"
    )
    header = _HEADER.format(stamp=stamp)
    meta = "_connection, _batch_id, _seq, _loaded_at, _is_deleted, _row_hash"
    count = raw.add(
        "raw_netsuite__transaction",
        f"select t.* exclude ({meta}) replace ('{stamp}' as lastmodifieddate) "
        "from raw_netsuite__transaction as t semi join paid using (id)",
    )
    raw.add(
        "raw_netsuite__transaction",
        "select payment as id, 'PMT' || payment as tranid, 'CustPymt' as type, '2026-07-01' as trandate, entity, "
        f"amount::varchar as foreigntotal, {header} from paid",
    )
    raw.add(
        "raw_netsuite__transaction_line",
        "select payment as transaction, l::varchar as id, l::varchar as linesequencenumber, "
        "if(l = 0, 'T', 'F') as mainline, 'F' as taxline, (amount * [-1, 1][l + 1])::decimal(18, 4)::varchar as "
        f"foreignamount, entity, '1' as subsidiary, '{stamp}' as transaction_lastmodified from paid, range(2) x(l)",
    )
    raw.add(
        "raw_netsuite__transaction_accounting_line",
        "select payment as transaction, l::varchar as transactionline, if(l = 0, '101', '400') as account, "
        "(amount * [-1, 1][l + 1])::decimal(18, 4)::varchar as amount, 'T' as posting, "
        f"'{stamp}' as transaction_lastmodified from paid, range(2) x(l)",
    )
    raw.add(
        "raw_netsuite__transaction_link",
        "select id as previousdoc, '0' as previousline, 'CustInvc' as previoustype, payment as nextdoc, "
        "'0' as nextline, 'CustPymt' as nexttype, 'Payment' as linktype, amount::varchar as foreignamount, "
        f"'{stamp}' as transaction_lastmodified from paid",
    )
    raw.db.close()
    return count


if __name__ == "__main__":
    main("build", run, TARGETS)
