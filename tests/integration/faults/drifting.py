"""How the schema of each source drifts while its company goes on working: by the sandbox's faults, or by another file.

`touch` makes an incremental read bring rows of a stream; `begin` lets the schema drift from then on, `end` takes that
back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Literal, Protocol

from tests.fixtures.sources import Company, Remote
from tests.fixtures.sources.files import INVOICES, FilesCompany, invoice_row
from tests.fixtures.sources.netsuite import OTHER_NAMES, NetSuiteCompany
from tests.fixtures.sources.salesforce import SalesforceCompany
from tests.fixtures.sources.stripe import StripeCompany

Kind = Literal["added", "dropped", "renamed", "retyped", "grown"]
KINDS: tuple[Kind, ...] = ("added", "dropped", "renamed", "retyped", "grown")
_FAULTS: Mapping[Kind, str] = {
    "added": "add_column",
    "dropped": "drop_column",
    "renamed": "rename_column",
    "retyped": "retype_column",
    "grown": "grow_enum",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One column that drifts. `stream` and `column`: where raw has it; `table` and `name`: what its source calls it.

    `given`: what else the fault must know. `staged`: the staging model's column that shows it.
    """

    kind: Kind
    stream: str
    column: str
    staged: str = ""
    table: str = ""
    name: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def fault(self) -> dict[str, str]:
        """Parameters of the sandbox's fault."""
        return {"table": self.table or self.stream, "column": self.name or self.column, **self.given}


class World(Protocol):
    """A source whose schema drifts."""

    drifts: Sequence[Drift]

    @property
    def company(self) -> Company: ...

    def touch(self, stream: str) -> None: ...

    def begin(self, drift: Drift) -> None: ...

    def end(self) -> None: ...


class _ByFaults:
    """Sandboxes drift by their faults."""

    def __init__(self, company: Remote) -> None:
        self.company = company

    def begin(self, drift: Drift) -> None:
        self.company.stand_in.fault(_FAULTS[drift.kind], params=drift.fault)

    def end(self) -> None:
        self.company.context.faults.remove()


class NetSuiteDrifts(_ByFaults):
    """Touched records get a new modification date in the account's own store."""

    drifts = (
        Drift("added", "transaction", "custbody_region", given={"like": "tranid"}),
        Drift("added", "customer", "custentity_segment", given={"like": "entityid"}),
        Drift("dropped", "transaction", "duedate", "due_date"),
        Drift("dropped", "transaction_line", "foreignamount", "amount", "transactionline"),
        Drift("renamed", "transaction", "foreigntotal", "total_amount", given={"to": "foreigntotalgross"}),
        Drift("renamed", "customer", "creditlimit", "credit_limit", given={"to": "creditline"}),
        Drift("retyped", "transaction", "foreigntotal", "total_amount"),
        Drift("retyped", "transaction", "voided", "is_voided"),
        Drift("retyped", "transaction", "isreversal", "is_reversal"),
        Drift("retyped", "customer", "isinactive", "is_inactive"),
        Drift("grown", "customer", "creditholdoverride", "is_on_credit_hold", given={"value": "SOFT"}),
        Drift("grown", "transaction", "type", "transaction_type", given={"value": "CustFee"}),
        Drift("grown", "account", "accttype", "account_type", given={"value": "AcctRecTrade"}),
    )

    def touch(self, stream: str) -> None:
        context = self.company.context
        context.clock.advance(timedelta(days=1))
        now, table = int(context.clock.now().timestamp()), OTHER_NAMES.get(stream, stream)
        with self.company.stand_in.sandbox.store.write() as db:
            if stream.startswith("transaction_"):
                table = "transaction"
            db.execute(
                f'update "{table}" set lastmodifieddate = ? where id in (select id from "{table}" order by id desc '
                "limit 25)",
                [now],
            )


class StripeDrifts(_ByFaults):
    """Touched objects get metadata through the API, so that an event tells of them."""

    company: StripeCompany
    drifts = (
        Drift("added", "charge", "network_fee", given={"like": "id"}),
        Drift("added", "customer", "tax_exempt_until", given={"like": "id"}),
        Drift("dropped", "charge", "disputed", "is_disputed"),
        Drift("dropped", "invoice", "amount_remaining", "amount_remaining_minor"),
        Drift("renamed", "charge", "amount_refunded", "refunded_minor", given={"to": "amount_refunded_total"}),
        Drift("renamed", "refund", "status", "status", given={"to": "state"}),
        Drift("retyped", "charge", "amount", "amount_minor"),
        Drift("retyped", "charge", "paid", "is_paid"),
        Drift("retyped", "charge", "customer", "customer_id"),
        Drift("grown", "charge", "status", "status", given={"value": "reversed"}),
        Drift("grown", "invoice", "status", "status", given={"value": "partially_paid"}),
        Drift("grown", "refund", "status", "status", given={"value": "reversed"}),
        Drift("grown", "dispute", "status", "status", given={"value": "in_arbitration"}),
        Drift("grown", "payout", "status", "status", given={"value": "on_hold"}),
    )

    def __init__(self, company: StripeCompany) -> None:
        super().__init__(company)
        self._marks = count()

    def touch(self, stream: str) -> None:
        self.company.stand_in.next_day()
        v1 = self.company.client.v1
        if stream == "payout":
            return  # those of the last days are read again
        if stream == "refund":
            charge = next(c for c in v1.charges.list({"limit": 100}).data if c.paid and not c.amount_refunded)
            v1.refunds.create({"charge": charge.id, "amount": 1})
        if stream == "dispute":  # a lost one cannot be edited any more
            given: Any = {"amount": 500, "currency": "usd", "payment_method": "pm_card_createDispute", "confirm": True}
            v1.payment_intents.create(given)
            return
        objects: Any = getattr(v1, f"{stream}s")
        for found in objects.list({"limit": 3}).data:
            objects.update(found.id, {"metadata": {"mark": str(next(self._marks))}})


_EDITED = {
    "account": ("Account", "Phone"),
    "opportunity": ("Opportunity", "Name"),
    "ar_invoice": ("AR_Invoice__c", "Number__c"),
    "ar_account_balance": ("AR_Account_Balance__c", "ERP_Customer_Id__c"),
}
"""Stream -> object and a text field that people edit."""


class SalesforceDrifts(_ByFaults):
    """Touched records are edited over the REST API."""

    company: SalesforceCompany
    drifts = (
        Drift("added", "account", "Region__c", table="Account", given={"like": "Name"}),
        Drift("added", "opportunity", "Forecast__c", table="Opportunity", given={"like": "Name"}),
        Drift("dropped", "account", "name", "name", "Account", "Name"),
        Drift("dropped", "ar_invoice", "open_amount", "open_amount", "AR_Invoice__c", "Open_Amount__c"),
        Drift(
            "renamed", "account", "tax_registration", "tax_registration", "Account", "Tax_Registration__c",
            {"to": "Tax_Number__c"},
        ),
        Drift("renamed", "opportunity", "amount", "amount", "Opportunity", "Amount", {"to": "Total__c"}),
        Drift("retyped", "opportunity", "is_won", "is_won", "Opportunity", "IsWon"),
        Drift("retyped", "opportunity", "amount", "amount", "Opportunity", "Amount", {"format": "USD {}"}),
        Drift(
            "retyped", "ar_account_balance", "open_balance", "open_balance", "AR_Account_Balance__c", "Open_Balance__c",
            {"format": "1.234,50 ({})"},
        ),
        Drift("grown", "ar_invoice", "status", "status", "AR_Invoice__c", "Status__c", {"value": "settled"}),
        Drift(
            "grown", "ar_invoice", "aging_bucket", "aging_bucket", "AR_Invoice__c", "Aging_Bucket__c",
            {"value": "121+"},
        ),
    )  # fmt: skip

    def __init__(self, company: SalesforceCompany) -> None:
        super().__init__(company)
        self._marks = count()

    def touch(self, stream: str) -> None:
        self.company.context.clock.advance(timedelta(days=1))
        api = self.company.api()
        sobject, name = _EDITED[stream]
        for record in api.query(f"SELECT Id FROM {sobject} LIMIT 3").records:
            api.http.request(
                "PATCH", api.path(f"/sobjects/{sobject}/{record['Id']}"), json={name: f"Edited {next(self._marks)}"}
            )


class FilesDrifts:
    """The next extract has other columns; in the end one comes that is as before."""

    drifts = (
        Drift("added", "invoice", "region", given={"like": "invoice_id"}),
        Drift("dropped", "invoice", "due_date", "due_date"),
        Drift("renamed", "invoice", "amount", "amount", given={"to": "gross_amount"}),
        Drift("retyped", "invoice", "amount", "amount", given={"format": "EUR {}"}),
        Drift("retyped", "invoice", "due_date", "due_date", given={"format": "day {}"}),
        Drift("grown", "invoice", "disputed", "is_disputed", given={"value": "partly"}),
    )

    def __init__(self, company: FilesCompany) -> None:
        self.company = company
        self._numbers = count(10)
        self._amounts = count(1)

    def touch(self, stream: str) -> None:
        """Nothing: the next file is what is new."""

    def begin(self, drift: Drift) -> None:
        self._extract(drift)

    def end(self) -> None:
        self._extract(None)

    def _extract(self, drift: Drift | None) -> None:
        """Some invoices have another amount than before; other shapes and values of a cell are theirs alone."""
        amount, one_cell = f"{next(self._amounts)}.75", drift is not None and drift.kind in ("retyped", "grown")
        rows = {n: invoice_row(n, amount if n < 25 else "") for n in range(INVOICES)}
        drifted = {n: row if one_cell and n >= 25 else _drifted(row, drift) for n, row in rows.items()}
        self.company.write(f"invoices-{next(self._numbers)}.csv", drifted)


def _drifted(row: dict[str, str], drift: Drift | None) -> dict[str, str]:
    if drift is None:
        return row
    value = row.get(drift.column, "")
    match drift.kind:
        case "added":
            return {**row, drift.column: row[drift.given["like"]]}
        case "dropped":
            return {name: held for name, held in row.items() if name != drift.column}
        case "renamed":
            return {drift.given["to"] if name == drift.column else name: held for name, held in row.items()}
        case "retyped":
            return {**row, drift.column: drift.given["format"].format(value)}
        case "grown":
            return {**row, drift.column: drift.given["value"]}


WORLDS: Mapping[str, tuple[Any, Any]] = {
    "salesforce": (SalesforceCompany, SalesforceDrifts),
    "netsuite": (NetSuiteCompany, NetSuiteDrifts),
    "stripe": (StripeCompany, StripeDrifts),
    "files": (FilesCompany, FilesDrifts),
}
"""Company and drifts by system. Tryton is left out: its stand-in is a real server, whose columns are modules."""
