"""The streams of a Salesforce org: raw columns, keys, cursor and how deletes are seen. How they are asked for: soql.py.

Every stream is read by queryAll, so a record in the recycle bin shows itself with IsDeleted. A record purged from the
bin while nobody read is found by reconciliation only.
"""

from __future__ import annotations

from datetime import timedelta

from arsync_pipelines.connectors.salesforce.fields import ACCOUNT, KINDS, NUMBERS
from arsync_pipelines.connectors.salesforce.options import Mapping_
from arsync_pipelines.ports.source import CursorSpec, Field, FieldKind, StreamSpec

RESOLUTION = timedelta(seconds=1)
"""SystemModstamp is shown with milliseconds that are always zero in production."""

OVERLAP = timedelta(minutes=10)
"""Longer than Apex and flows keep a transaction open after stamping a record (their limit is 10 minutes)."""

SOBJECTS = {"account": "Account", "contact": "Contact", "opportunity": "Opportunity", "user": "User"}
"""Stream -> object API name of the streams that are not AR objects."""

AR_STREAMS = {"ar_account_balance": "account_balance", "ar_invoice": "invoice"}
"""Stream -> canonical object of the custom AR objects."""

OBSERVED_IN = {"account": "account"} | {object_name: stream for stream, object_name in AR_STREAMS.items()}
"""Canonical object -> stream that shows what the org holds of it."""

_BOOLEANS = {"is_deleted", "is_closed", "is_won", "is_active"} | {
    f"{prefix}{name}" for prefix in ("", "ar__") for name, kind in ACCOUNT.items() if kind == "boolean"
}
_STAMP = "system_modstamp=SystemModstamp"
_COLUMNS = {
    "contact": "id=Id account_id=AccountId first_name=FirstName last_name=LastName email=Email phone=Phone title=Title "
    f"{_STAMP} is_deleted=IsDeleted",
    "opportunity": "id=Id account_id=AccountId name=Name stage_name=StageName amount=Amount "
    "currency_iso_code=CurrencyIsoCode close_date=CloseDate is_closed=IsClosed is_won=IsWon "
    f"{_STAMP} is_deleted=IsDeleted",
    "user": f"id=Id name=Name email=Email is_active=IsActive {_STAMP}",
}
_ACCOUNT = (
    "id=Id name=Name account_number=AccountNumber parent_id=ParentId owner_id=OwnerId type=Type phone=Phone "
    "website=Website billing_street=BillingStreet billing_city=BillingCity billing_state=BillingState "
    "billing_postal_code=BillingPostalCode billing_country=BillingCountry currency_iso_code=CurrencyIsoCode "
    "erp_customer_id={erp_customer_id} tax_registration={tax_registration} created_date=CreatedDate "
    f"last_modified_date=LastModifiedDate {_STAMP} is_deleted=IsDeleted master_record_id=MasterRecordId"
)
_ABOUT = {
    "account": "Accounts with the receivables fields arsync keeps on them.",
    "contact": "Contacts of accounts.",
    "opportunity": "Opportunities of accounts.",
    "user": "Users, who own accounts.",
    "ar_account_balance": "What the CRM holds per account, legal entity and currency.",
    "ar_invoice": "What the CRM holds of invoices.",
}
_REQUIRED = {"id", "system_modstamp", "is_deleted"}
"""Never blank. A column that vanished is refused by SOQL itself, so blanks in the others prove nothing."""


def _columns(stream: str, mapping: Mapping_) -> list[tuple[str, str]]:
    """(raw column, API name) of a stream under a mapping."""
    if stream in AR_STREAMS:
        names = mapping.names(AR_STREAMS[stream])
        own = [(name, names[name]) for name in KINDS[AR_STREAMS[stream]]]
        return [("id", "Id"), *own, ("system_modstamp", "SystemModstamp"), ("is_deleted", "IsDeleted")]
    names = mapping.names("account")
    text = _ACCOUNT.format(**names) if stream == "account" else _COLUMNS[stream]
    pairs = [(column, source) for column, source in (part.split("=") for part in text.split())]
    if stream == "account":
        pairs += [(f"ar__{name}", names[name]) for name in ACCOUNT if name != "erp_customer_id"]
    return pairs


def numbers(stream: str, mapping: Mapping_) -> dict[str, str]:
    """API name -> raw column of a stream's fields that hold numbers; they land as text, so that no digit is lost."""
    canonical = {"account": "account"} | AR_STREAMS
    kinds = KINDS[canonical[stream]] if stream in canonical else {}
    prefix = "ar__" if stream == "account" else ""
    names = {f"{prefix}{name}" for name, kind in kinds.items() if kind in NUMBERS}
    if stream == "opportunity":
        names = {"amount"}
    return {source: column for column, source in _columns(stream, mapping) if column in names}


def _kind(column: str) -> FieldKind:
    return "boolean" if column in _BOOLEANS else "text"


def streams(mapping: Mapping_ | None = None, overlap: timedelta = OVERLAP) -> tuple[StreamSpec, ...]:
    """The streams of an org whose AR fields have the names of `mapping` (default names when None)."""
    made = []
    for name in (*SOBJECTS, *AR_STREAMS):
        columns = _columns(name, mapping or Mapping_())
        deletes = any(column == "is_deleted" for column, _ in columns)
        made.append(
            StreamSpec(
                system="salesforce",
                name=name,
                primary_key=("id",),
                fields=tuple(Field(c, source, _kind(c), required=c in _REQUIRED) for c, source in columns),
                cursor=CursorSpec("system_modstamp", RESOLUTION, overlap),
                page_size=2000,
                delete_detection="flag" if deletes else "none",
                deleted_flag="is_deleted" if deletes else "",
                description=_ABOUT[name],
            )
        )
    return tuple(made)
