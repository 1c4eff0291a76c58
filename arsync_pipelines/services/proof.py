"""The proof of receivables: per legal entity and currency aging + unapplied = sub-ledger = control account.

Asked of a published snapshot, for its own date or any other; findings are those that stand open in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from arsync_pipelines.domain.errors import CheckFailed, WarehouseError
from arsync_pipelines.ports.warehouse import Warehouse

_OPEN = """
select check_name, finding, owner, count(*) as findings, currency, sum(abs(amount)) as amount,
    min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at,
    count(*) filter (where is_repairable) as repairable
from recon_finding where closed_at is null
group by check_name, finding, owner, currency order by all
"""


@dataclass(frozen=True, slots=True)
class TieOut:
    """One legal entity in one currency; `gl_control` None where the source carries no general ledger."""

    legal_entity: str
    currency: str
    as_of: date
    aging: Decimal
    unapplied: Decimal
    subledger: Decimal
    gl_control: Decimal | None
    difference: Decimal


@dataclass(frozen=True, slots=True)
class Proof:
    """`findings`: rows {check_name, finding, owner, currency, findings, amount, first_seen_at, ...} of what is open."""

    snapshot_id: str
    tie_out: Sequence[TieOut]
    findings: Sequence[dict[str, Any]]

    @property
    def differences(self) -> list[TieOut]:
        """What does not foot; the allowed difference is 0.00."""
        return [row for row in self.tie_out if row.difference != 0]

    def require(self) -> None:
        """Raise CheckFailed when anything differs, or when there is nothing that could."""
        if not self.tie_out:
            raise CheckFailed(f"snapshot {self.snapshot_id} holds no receivables to prove: run `arsync sync` first")
        if self.differences:
            told = "; ".join(f"{row.legal_entity} {row.currency}: {row.difference}" for row in self.differences)
            raise CheckFailed(f"aging, sub-ledger and general ledger differ on {self.tie_out[0].as_of}: {told}")


def prove(warehouse: Warehouse, as_of: date | None = None) -> Proof:
    """The proof of the current snapshot for a business date, None: the as-of date of each legal entity.

    Raises WarehouseError before the first publish.
    """
    snapshot = warehouse.current_snapshot()
    if snapshot is None:
        raise WarehouseError("nothing is published yet: run `arsync sync` first")
    rows = warehouse.query_snapshot(
        snapshot, "select * from ar_tie_out(?) order by legal_entity_name, currency", [as_of]
    )
    tie_out = [
        TieOut(
            row["legal_entity_name"], row["currency"], row["as_of_date"], row["aging_amount"], row["unapplied_amount"],
            row["subledger_amount"], row["gl_control_amount"], row["difference"],
        )
        for row in rows
    ]  # fmt: skip
    return Proof(snapshot.snapshot_id, tie_out, warehouse.query_snapshot(snapshot, _OPEN))


def unproved(warehouse: Warehouse) -> list[dict[str, Any]]:
    """What a refused build left open about the ledgers in the working warehouse; empty where it came not that far."""
    with warehouse.writing():
        known = warehouse.query("select 1 from information_schema.tables where table_name = 'recon_finding'")
        if not known:
            return []
        return warehouse.query(
            "select check_name, finding, business_key, currency, amount, owner, detail from recon_finding "
            "where closed_at is null and check_name in ('recon_gl_control', 'recon_document') order by all"
        )
