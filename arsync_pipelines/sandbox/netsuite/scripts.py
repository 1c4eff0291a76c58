"""A user event script of the account: after a record was saved, it posts what was saved where, once.

    {"type": "record.edit", "data": {"recordType": "invoice", "id": "4711"}}

A script does not post again: what nobody takes is lost. It runs for what people and the business do in the account, and
for what is written through its record API, not while the account is filled.
"""

from __future__ import annotations

import uuid

from ..core.faults import Faults
from ..core.outgoing import Poster
from ..core.world.records import Delta
from . import ids

_SAVED = {
    "erp_customers": ("erp_customer", "customer"),
    "invoices": ("invoice", "invoice"),
    "credit_memos": ("credit_memo", "creditmemo"),
    "payments": ("payment", "customerpayment"),
    "journals": ("journal", "journalentry"),
    "customer_refunds": ("customer_refund", "customerrefund"),
}
"""Field of a delta -> (record of the world, record type of SuiteScript)."""
_TOLD = frozenset(told for _, told in _SAVED.values())


class UserEventScript:
    """Deployed by the control port; silent until then."""

    def __init__(self, faults: Faults) -> None:
        self.poster = Poster("netsuite", faults, tries=1)

    def saved(self, delta: Delta) -> None:
        """Tell of what is committed."""
        if not self.poster.deployed:
            return
        for name, (record, script_type) in _SAVED.items():
            for row in getattr(delta, name):
                self._tell("edit", script_type, ids.internal_id(record, row.id))
        for gone in delta.deletions:
            if gone.record_type in ("invoice", "credit_memo", "payment", "journal", "customer_refund"):
                script_type = next(told for record, told in _SAVED.values() if record == gone.record_type)
                self._tell("delete", script_type, ids.internal_id(gone.record_type, gone.record_id))

    def written(self, kind: str, record_type: str, internal_id: int) -> None:
        """Tell of what was written through the record API: `kind` is create, edit or delete."""
        if self.poster.deployed and record_type in _TOLD:
            self._tell(kind, record_type, internal_id)

    def _tell(self, kind: str, script_type: str, internal_id: int) -> None:
        data = {"recordType": script_type, "id": str(internal_id)}
        self.poster.tell(f"ue_{uuid.uuid4().hex}", {"type": f"record.{kind}", "data": data})
