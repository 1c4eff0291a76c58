"""What the models must know of a run besides the data: written to small tables of ours before every build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from arsync_pipelines.ports.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class RunContext:
    """`connections`: (name, vendor, role). `legal_entities`: (connection, ERP id, time zone, CRM business unit, as-of).

    An as-of date is the business date of the run in the legal entity's own time zone.
    """

    connections: Sequence[tuple[str, str, str]]
    legal_entities: Sequence[tuple[str, str, str, str, date]]
    reporting_currency: str
    as_of_date: date
    aging_edges: tuple[int, int, int, int]
    aging_basis: str
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
            },
            self.legal_entities,
        )
        edges = {f"edge_{number}": "integer" for number in range(1, 5)}
        warehouse.replace_table(
            "raw_arsync__policy",
            {
                "reporting_currency": "varchar",
                "as_of_date": "date",
                **edges,
                "aging_basis": "varchar",
                "erp_link_template": "varchar",
            },
            [(self.reporting_currency, self.as_of_date, *self.aging_edges, self.aging_basis, self.invoice_link)],
        )
