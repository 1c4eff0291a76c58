"""Drift that waits for a person as problems: records that are not sent because of what somebody did in the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from arsync_pipelines.domain.cases import Problem
from arsync_pipelines.domain.drift import DriftFinding
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Taxonomy
from arsync_pipelines.ports.warehouse import Snapshot, Warehouse
from arsync_pipelines.services.drift import ACCOUNT, gone_table
from arsync_pipelines.services.plan import sync_table

ACCOUNT_DELETED = "ACCOUNT_DELETED"
RECORD_DELETED = "RECORD_DELETED"
RESTORED_TOO_OFTEN = "RESTORED_TOO_OFTEN"

# an account that was deleted needs nobody where another one carries the figures, or there are none
_ACCOUNTS = """
select g.account_id as business_key, g.customer_id, g.customer_name, g.region,
    cast(g.open_balance as varchar) as amount, g.currency,
    cast(null as varchar) as legal_entity_id, g.name
from {gone} as g
where g.connection = ? and g.account_id in (select unnest(?::varchar[]))
    and g.shown_on_account_id is null and g.currency is not null
"""
_RECORDS = """
select d.business_key, d.customer_id, c.name as customer_name, coalesce(c.country, e.country) as region,
    coalesce(d.payload::json ->> 'open_amount', d.payload::json ->> 'open_balance') as amount,
    d.payload::json ->> 'currency' as currency, d.legal_entity_id, d.payload::json ->> 'number' as name
from {table} as d
left join dim_customer as c on d.customer_id = c.customer_id
left join dim_legal_entity as e on d.legal_entity_id = e.legal_entity_id
where d.connection = ? and d.business_key in (select unnest(?::varchar[]))
"""


def problems(
    warehouse: Warehouse, snapshot: Snapshot, tables: frozenset[str], taxonomy: Taxonomy, system: str, connection: str,
    standing: Sequence[DriftFinding],
) -> list[Problem]:  # fmt: skip
    """Of the findings that wait for a person those that `snapshot` (with these `tables`) still shows to be so."""
    by_place: dict[tuple[str, str], list[DriftFinding]] = {}
    for finding in standing:
        by_place.setdefault(_place(system, finding), []).append(finding)
    found: list[Problem] = []
    for (table, query), findings in by_place.items():
        if not {table, "dim_customer", "dim_legal_entity"} <= tables:
            continue
        rows = warehouse.query_snapshot(snapshot, query, [connection, [f.business_key for f in findings]])
        known = {row["business_key"]: row for row in rows}
        found += [
            _problem(taxonomy, system, finding, known[finding.business_key])
            for finding in findings
            if finding.business_key in known
        ]
    return found


def _place(system: str, finding: DriftFinding) -> tuple[str, str]:
    """Table and query that say whether it is still so."""
    if finding.object == ACCOUNT and finding.kind == "deleted":
        return gone_table(system), _ACCOUNTS.format(gone=gone_table(system))
    table = sync_table(system, finding.object)
    return table, _RECORDS.format(table=table)


def _problem(taxonomy: Taxonomy, system: str, finding: DriftFinding, known: Mapping[str, Any]) -> Problem:
    code = RESTORED_TOO_OFTEN
    if finding.kind == "deleted":
        code = ACCOUNT_DELETED if finding.object == ACCOUNT else RECORD_DELETED
    amount = known["amount"]
    return Problem(
        origin="drift",
        failure=taxonomy.find(system, code, FailureClass.BUSINESS),
        code=code,
        system=system,
        connection=finding.connection,
        object=finding.object,
        record=finding.business_key,
        business_key=finding.business_key,
        evidence=finding.finding_id,
        message=told(finding),
        seen_at=finding.found_at,
        field=", ".join(sorted(finding.fields or ()))[:200],
        legal_entity_id=known["legal_entity_id"] or "",
        customer_id=known["customer_id"] or "",
        customer_name=known["customer_name"] or "",
        region=known["region"] or "",
        invoice=(known["name"] or "") if finding.object == "invoice" else "",
        amount=None if amount is None else Decimal(amount),
        currency=known["currency"] or "",
        correlation_id=finding.correlation_id,
    )


def told(finding: DriftFinding) -> str:
    """What happened, by whom and when, in a sentence."""
    what = {"edited": "written over", "deleted": "deleted", "merged": "merged away"}[finding.kind]
    who = finding.by or finding.by_id or "somebody the target does not name"
    when = f" at {finding.changed_at:%Y-%m-%d %H:%M:%S} UTC" if finding.changed_at else ""
    own = ", the user that arsync works as" if finding.is_own_user else ""
    fields = f" ({', '.join(sorted(finding.fields))})" if finding.fields else ""
    return f"{finding.object} {finding.business_key} was {what}{fields} by {who}{own}{when}"
