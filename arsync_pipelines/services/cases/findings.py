"""Reconciliation findings of the published snapshot as problems. What the next push repairs by itself is none yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from arsync_pipelines.domain.cases import Problem
from arsync_pipelines.domain.failures import finding_code
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Taxonomy
from arsync_pipelines.ports.warehouse import Snapshot, Warehouse

TABLES = frozenset({"recon_finding", "dim_customer", "dim_legal_entity", "fct_invoice"})

_OPEN = """
select f.finding_key, f.check_name, f.finding_id, f.finding, f.connection, f.business_key, f.customer_id,
    f.legal_entity_id, f.amount, f.currency, f.detail, f.owner, f.last_seen_at, f.times_seen,
    c.name as customer_name, coalesce(c.country, e.country) as region, i.number as invoice
from recon_finding as f
left join dim_customer as c on f.customer_id = c.customer_id
left join dim_legal_entity as e on f.legal_entity_id = e.legal_entity_id
left join fct_invoice as i on f.business_key = i.invoice_id
where f.closed_at is null and not f.is_repairable
order by f.finding_key
"""


def problems(warehouse: Warehouse, snapshot: Snapshot, taxonomy: Taxonomy, systems: Mapping[str, str]) -> list[Problem]:
    """What stands open in `snapshot` (with TABLES) and needs a person. `systems`: connection -> vendor."""
    return [_problem(row, taxonomy, systems) for row in warehouse.query_snapshot(snapshot, _OPEN)]


def _problem(row: Mapping[str, Any], taxonomy: Taxonomy, systems: Mapping[str, str]) -> Problem:
    code = finding_code(row["check_name"], row["finding"], row["finding_id"])
    seen: datetime = row["last_seen_at"]
    connection = row["connection"] or ""
    return Problem(
        origin="reconciliation",
        failure=taxonomy.find("", code, FailureClass.BUSINESS),
        code=code,
        system=systems.get(connection, ""),
        connection=connection,
        object=row["check_name"],
        record=row["finding_id"],
        business_key=row["business_key"] or row["finding_id"],
        evidence=f"{row['finding_key'][:200]} {row['times_seen']}",
        message=row["detail"] or "",
        seen_at=seen if seen.tzinfo else seen.replace(tzinfo=UTC),
        legal_entity_id=row["legal_entity_id"] or "",
        customer_id=row["customer_id"] or "",
        customer_name=row["customer_name"] or "",
        region=row["region"] or "",
        invoice=row["invoice"] or "",
        amount=row["amount"],
        currency=row["currency"] or "",
        owner=row["owner"] or "",
    )
