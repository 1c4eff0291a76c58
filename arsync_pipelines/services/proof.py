"""The proof of receivables: per legal entity and currency aging, unapplied and intercompany = sub-ledger = GL control;
and the same per legal entity in its functional currency, with what is unrealised.

Asked of a published snapshot, for its own date or any other; findings are those that stand open in it. How it is shown
belongs to the command line and to Dagster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from arsync_pipelines.domain.errors import CheckFailed, WarehouseError
from arsync_pipelines.ports.warehouse import Warehouse

CRITICAL = "critical"
_TOLD = 5

_OPEN = """
select severity, check_name, finding, owner, count(*) as findings, currency, sum(amount) as amount,
    min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at,
    count(*) filter (where is_repairable) as repairable
from recon_finding where closed_at is null
group by severity, check_name, finding, owner, currency order by all
"""
_NAMED = """
select severity, check_name, finding, business_key, customer_id, legal_entity_id, currency, amount, owner, detail,
    first_seen_at, times_seen
from recon_finding where closed_at is null and severity = 'critical' order by amount desc nulls last, finding_key
"""


@dataclass(frozen=True, slots=True)
class TieOut:
    """One legal entity in one currency; `gl_control` None where the source carries no general ledger."""

    legal_entity: str
    currency: str
    as_of: date
    aging: Decimal
    unapplied: Decimal
    intercompany: Decimal
    subledger: Decimal
    gl_control: Decimal | None
    difference: Decimal


@dataclass(frozen=True, slots=True)
class FunctionalTieOut:
    """One legal entity in its functional currency: aging + unapplied + intercompany + unrealised = sub-ledger = GL.

    `unrealised`: revaluations not taken back, and settlements whose difference the ERP has not realised yet;
    `realised`: exchange differences in the sub-ledger so far.
    """

    legal_entity: str
    currency: str
    as_of: date
    aging: Decimal
    unapplied: Decimal
    intercompany: Decimal
    unrealised: Decimal
    subledger: Decimal
    gl_control: Decimal | None
    realised: Decimal
    difference: Decimal


@dataclass(frozen=True, slots=True)
class Proof:
    """What a snapshot of `published_at` (UTC) says.

    `findings`: what is open, added up by severity, check, class, owner and currency, as rows {severity, check_name,
    finding, owner, currency, findings, amount, first_seen_at, last_seen_at, repairable}; `critical`: each critical
    one, as rows {check_name, finding, business_key, currency, amount, owner, detail, ...}, the largest first.
    """

    snapshot_id: str
    published_at: datetime
    tie_out: Sequence[TieOut]
    findings: Sequence[dict[str, Any]]
    critical: Sequence[dict[str, Any]] = ()
    functional: Sequence[FunctionalTieOut] = ()

    @property
    def differences(self) -> list[TieOut | FunctionalTieOut]:
        """What does not foot, in any currency; the allowed difference is 0.00."""
        rows: list[TieOut | FunctionalTieOut] = [*self.tie_out, *self.functional]
        return [row for row in rows if row.difference != 0]

    @property
    def holds(self) -> bool:
        """Whether there is something to prove, all of it foots, and nothing critical stands open."""
        return bool(self.tie_out) and not self.differences and not self.critical

    def age(self, now: datetime | None = None) -> timedelta:
        """How old the snapshot is."""
        return (now or datetime.now(UTC)) - self.published_at

    def require(self) -> None:
        """Raise CheckFailed unless it `holds`; the message names what differs and what is open."""
        if not self.tie_out:
            raise CheckFailed(f"snapshot {self.snapshot_id} holds no receivables to prove: run `arsync sync` first")
        told = []
        if self.differences:
            rows = "; ".join(f"{_named(row)}: {row.difference}" for row in self.differences)
            told.append(f"aging, sub-ledger and general ledger differ on {self.tie_out[0].as_of}: {rows}")
        if self.critical:
            rows = "; ".join(f"{f['business_key']} ({f['owner']}): {f['detail']}" for f in self.critical[:_TOLD])
            more = f"; and {len(self.critical) - _TOLD} more" if len(self.critical) > _TOLD else ""
            told.append(f"{len(self.critical)} critical finding(s) open: {rows}{more}")
        if told:
            raise CheckFailed(". ".join(told))


def prove(warehouse: Warehouse, as_of: date | None = None) -> Proof:
    """The proof of the current snapshot for a business date, None: the as-of date of each legal entity.

    Findings are those open when the snapshot was published, whatever the date. Raises WarehouseError before the first
    publish, and for a snapshot of an earlier version, which knows no functional amounts.
    """
    snapshot = warehouse.current_snapshot()
    if snapshot is None:
        raise WarehouseError("nothing is published yet: run `arsync sync` first")
    known = warehouse.query_snapshot(snapshot, "select name from ar_function where name = 'ar_tie_out_functional'")
    if not known:
        raise WarehouseError("an earlier version published this snapshot: run `arsync sync` first")
    rows = warehouse.query_snapshot(
        snapshot, "select * from ar_tie_out(?) order by legal_entity_name, currency", [as_of]
    )
    tie_out = [
        TieOut(
            row["legal_entity_name"], row["currency"], row["as_of_date"], row["aging_amount"], row["unapplied_amount"],
            row["intercompany_amount"], row["subledger_amount"], row["gl_control_amount"], row["difference"],
        )
        for row in rows
    ]  # fmt: skip
    rows = warehouse.query_snapshot(
        snapshot, "select * from ar_tie_out_functional(?) order by legal_entity_name, functional_currency", [as_of]
    )
    functional = [
        FunctionalTieOut(
            row["legal_entity_name"], row["functional_currency"], row["as_of_date"], row["aging_amount"],
            row["unapplied_amount"], row["intercompany_amount"], row["unrealised_amount"], row["subledger_amount"],
            row["gl_control_amount"], row["realised_amount"], row["difference"],
        )
        for row in rows
    ]  # fmt: skip
    return Proof(
        snapshot.snapshot_id,
        datetime.fromisoformat(snapshot.manifest["created_at"]),
        tie_out,
        warehouse.query_snapshot(snapshot, _OPEN),
        warehouse.query_snapshot(snapshot, _NAMED),
        functional,
    )


def _named(row: TieOut | FunctionalTieOut) -> str:
    where = " in functional currency" if isinstance(row, FunctionalTieOut) else ""
    return f"{row.legal_entity} {row.currency}{where}"


def unproved(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Critical findings that a refused build left in the working warehouse; empty where it came not that far."""
    with warehouse.writing():
        known = warehouse.query("select 1 from information_schema.columns where table_name = 'recon_finding' "
                                "and column_name = 'severity'")  # fmt: skip
        return warehouse.query(_NAMED) if known else []
