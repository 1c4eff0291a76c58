"""What the models must know of a run besides the data: written to small tables of ours before every build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from arsync_pipelines.ports.warehouse import Warehouse

_EDGES = {f"edge_{number}": "integer" for number in range(1, 5)}


@dataclass(frozen=True, slots=True)
class LegalEntity:
    """What is configured of a legal entity; `aging_edges` and `aging_basis` None: those of the policy.

    `as_of_date` is the business date of the run in the legal entity's own time zone.
    """

    connection: str
    source_id: str
    time_zone: str
    crm_business_unit: str
    as_of_date: date
    aging_edges: tuple[int, int, int, int] | None = None
    aging_basis: str | None = None

    @property
    def row(self) -> tuple[object, ...]:
        """Its row of raw_arsync__legal_entity."""
        edges = self.aging_edges or (None, None, None, None)
        own = (self.connection, self.source_id, self.time_zone, self.crm_business_unit, self.as_of_date)
        return (*own, *edges, self.aging_basis)


@dataclass(frozen=True, slots=True)
class RunContext:
    """`connections`: (name, vendor, role). `as_of_date`: business date in UTC, for legal entities not configured."""

    connections: Sequence[tuple[str, str, str]]
    legal_entities: Sequence[LegalEntity]
    reporting_currency: str
    as_of_date: date
    aging_edges: tuple[int, int, int, int]
    aging_basis: str
    unapplied_days: int
    invoice_link: str

    def write(self, warehouse: Warehouse) -> None:
        """Replace raw_arsync__connection, __legal_entity and __policy. Inside `warehouse.writing()`."""
        warehouse.replace_table(
            "raw_arsync__connection",
            {"connection": "varchar", "vendor": "varchar", "role": "varchar"},
            self.connections,
        )
        warehouse.replace_table(
            "raw_arsync__legal_entity",
            {
                "connection": "varchar",
                "source_legal_entity_id": "varchar",
                "time_zone": "varchar",
                "crm_business_unit": "varchar",
                "as_of_date": "date",
                **_EDGES,
                "aging_basis": "varchar",
            },
            [entity.row for entity in self.legal_entities],
        )
        warehouse.replace_table(
            "raw_arsync__policy",
            {
                "reporting_currency": "varchar",
                "as_of_date": "date",
                **_EDGES,
                "aging_basis": "varchar",
                "unapplied_days": "integer",
                "erp_link_template": "varchar",
            },
            [
                (
                    self.reporting_currency,
                    self.as_of_date,
                    *self.aging_edges,
                    self.aging_basis,
                    self.unapplied_days,
                    self.invoice_link,
                )
            ],
        )
