"""The proof of a demo: what the CRM shows against what the world knows, and the tie-out of the published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.cli.demo.world import World
from arsync_pipelines.domain.comparison import same

_NOT_FACTS = frozenset({"world_id", "party_id", "name", "account_id", "account", "erp_id"})


@dataclass(slots=True)
class Proof:
    """`tieout`: rows by legal entity and currency. `*_different`: records of which any field is wrong, or that lack."""

    tieout: list[dict[str, str]] = field(default_factory=list)
    accounts_compared: int = 0
    accounts_different: int = 0
    balances_compared: int = 0
    balances_different: int = 0
    invoices_compared: int = 0
    invoices_different: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        wrong = self.accounts_different + self.balances_different + self.invoices_different
        footed = all(Decimal(row["difference"]) == 0 for row in self.tieout)
        return wrong == 0 and footed and bool(self.tieout) and self.accounts_compared > 0 and self.invoices_compared > 0


def prove(platform: Platform, world: World) -> Proof:
    """Read every account, balance and invoice of the CRM and compare field by field with the truth."""
    as_of = str(platform.run_context.as_of_date)
    proof = Proof(tieout=_tieout(platform, world, as_of))
    accounts = crm_records(platform, "account")
    truth = world.truth("accounts", as_of=as_of)
    wanted = {row["account"]: row for row in truth}
    proof.accounts_compared = len(wanted)
    proof.accounts_different = _compare("account", wanted, {row["id"]: row for row in accounts}, proof.examples)

    wanted = {_balance_key(row["account"], row): row for row in _truth(world, "balances", as_of)}
    shown = {_balance_key(row["account_id"], row): row for row in crm_records(platform, "ar_account_balance")}
    proof.balances_compared = len(wanted)
    proof.balances_different = _compare("balance", wanted, shown, proof.examples)

    wanted = {_invoice_key(row): row for row in _truth(world, "invoices", as_of)}
    shown = {_invoice_key(row): row for row in crm_records(platform, "ar_invoice")}
    proof.invoices_compared = len(wanted)
    proof.invoices_different = _compare("invoice", wanted, shown, proof.examples)
    return proof


def _truth(world: World, what: str, as_of: str) -> list[dict[str, Any]]:
    return world.truth(what, as_of=as_of)


def _balance_key(account: str, row: Mapping[str, Any]) -> str:
    return f"{account}|{row['legal_entity']}|{row['currency']}"


def _invoice_key(row: Mapping[str, Any]) -> str:
    return f"{row['legal_entity']}|{row['number']}"


def _compare(
    kind: str, wanted: Mapping[str, Mapping[str, Any]], shown: Mapping[str, Mapping[str, Any]], examples: list[str]
) -> int:
    """How many wanted records are missing or wrong in any field, plus those shown that nobody wants."""
    different = 0
    for key, row in wanted.items():
        actual = shown.get(key)
        if actual is None:
            wrong = ["is missing"]
        else:
            wrong = [
                f"{name} {actual.get(name)!r} instead of {value!r}"
                for name, value in row.items()
                if name not in _NOT_FACTS and name != "as_of_date" and not _equal(actual.get(name), value)
            ]
            if kind != "account" and actual["account_id"] != row["account"]:
                wrong.append(f"account {actual['account_id']} instead of {row['account']}")
        if wrong:
            different += 1
            if len(examples) < 20:
                examples.append(f"{kind} {key}: {', '.join(wrong)}")
    extra = [key for key in shown if key not in wanted]
    examples += [f"{kind} {key}: nobody should show it" for key in extra[: max(0, 20 - len(examples))]]
    return different + len(extra)


def _equal(shown: Any, wanted: Any) -> bool:
    # a Salesforce checkbox knows no blank: an account without receivables shows it as not set
    return same(shown, wanted) or (wanted is None and shown is False)


def crm_records(platform: Platform, stream: str) -> list[dict[str, Any]]:
    """Live records of a stream as the CRM answers now, by canonical field names."""
    records: dict[str, dict[str, Any]] = {}
    for connection in platform.connections.values():
        if connection.connector.role != "crm":
            continue
        source = platform.source(connection.name)
        spec = next(s for s in source.streams() if s.name == stream)
        for page in source.read(stream, None):
            for row in page.rows:
                values = {f.name.removeprefix("ar__"): _dig(row, f.source) for f in spec.fields}
                records[values["id"]] = values
    return [r for r in records.values() if not r["is_deleted"]]


def _dig(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _tieout(platform: Platform, world: World, as_of: str) -> list[dict[str, str]]:
    """Published aging, sub-ledger and GL control beside each other and beside the world's own figure."""
    snapshot = platform.warehouse.current_snapshot()
    if snapshot is None:
        return []
    rows = platform.warehouse.query_snapshot(
        snapshot, "select * from recon_gl_control where basis = 'document' order by legal_entity_name, currency"
    )
    truth = {(r["legal_entity"], r["currency"]): r for r in world.truth("tieout", as_of=as_of)}
    found = []
    for row in rows:
        known = truth.pop((row["legal_entity_name"], row["currency"]), {"aging_total": "0"})
        figures = [
            row["aging_total"],
            row["subledger"],
            row["gl_control"],
            Decimal(known["aging_total"]),
        ]
        found.append(_tie(row["legal_entity_name"], row["currency"], figures))
    found += [
        _tie(entity, currency, [Decimal(0)] * 3 + [Decimal(r["aging_total"])])
        for (entity, currency), r in truth.items()
    ]
    return found


def _tie(entity: str, currency: str, figures: Sequence[Decimal]) -> dict[str, str]:
    names = ("aging_total", "subledger", "gl_control", "truth")
    spread = max(figures) - min(figures)
    return {
        "legal_entity": entity,
        "currency": currency,
        **{name: _shown(figure) for name, figure in zip(names, figures, strict=True)},
        "difference": _shown(spread),
    }


def _shown(figure: Decimal) -> str:
    """Two decimals, and more where there are more: a dinar has three, and a rounded difference is none."""
    exponent = figure.normalize().as_tuple().exponent
    return f"{figure:.{max(2, -exponent) if isinstance(exponent, int) else 2}f}"
