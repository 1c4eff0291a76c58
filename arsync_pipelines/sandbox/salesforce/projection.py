"""The world's records as rows of this org: employees, accounts, contacts, opportunities.

A field that an API client has written belongs to the client from then on: the row remembers it in `_api`, and the world
does not overwrite it. While seeding nothing is announced; afterwards every difference becomes a change event without an
origin, as an edit in the user interface would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from arsync_pipelines.sandbox.core.world.records import (
    MINOR_UNITS,
    CrmAccount,
    CrmContact,
    CrmOpportunity,
    Delta,
    Employee,
)
from arsync_pipelines.sandbox.salesforce import history, ids
from arsync_pipelines.sandbox.salesforce.auth import ORGANIZATION_ID, USER_ID, USERNAME
from arsync_pipelines.sandbox.salesforce.records import Actor, Records
from arsync_pipelines.sandbox.salesforce.schema import ObjectDef
from arsync_pipelines.sandbox.salesforce.standard_objects import CORPORATE_CURRENCY, CURRENCIES
from arsync_pipelines.sandbox.salesforce.store import Change, Store, Transaction, stamp

PREFIXES = {"employee": "005", "crm_account": "001", "crm_contact": "003", "crm_opportunity": "006"}
_LATEST = ("SystemModstamp", "LastModifiedDate", "IsDeleted")
_WORLD = Actor(USER_ID, "")

Row = dict[str, Any]


def vendor_id(record_type: str, world_id: int) -> str:
    """The record id of a world record. Raises KeyError for types this org does not hold."""
    return ids.make(PREFIXES[record_type], world_id, ids.WORLD)


def _optional(record_type: str, world_id: int | None) -> str | None:
    return None if world_id is None else vendor_id(record_type, world_id)


def _user(one: Employee, now: str) -> Row:
    first, _, last = one.name.rpartition(" ")
    return {
        "Id": vendor_id("employee", one.id),
        "Username": one.email,
        "FirstName": first or None,
        "LastName": last,
        "Name": one.name,
        "Email": one.email,
        "IsActive": 1,
        "CurrencyIsoCode": CORPORATE_CURRENCY,
        "CreatedDate": now,
        "LastModifiedDate": now,
        "SystemModstamp": now,
    }


def _account(one: CrmAccount) -> Row:
    at = stamp(one.updated_at)
    gone = one.deleted or one.merged_into is not None
    return {
        "Id": vendor_id("crm_account", one.id),
        "Name": one.name,
        "Type": "Customer",
        "ParentId": _optional("crm_account", one.parent_id),
        "OwnerId": vendor_id("employee", one.owner_id),
        "ERP_Customer_Id__c": one.erp_number or None,
        "Tax_Registration__c": one.tax_id or None,
        "BillingStreet": one.street or None,
        "BillingCity": one.city or None,
        "BillingState": one.state or None,
        "BillingPostalCode": one.postal_code or None,
        "BillingCountry": one.country or None,
        "Phone": one.phone or None,
        "Website": one.website or None,
        "CurrencyIsoCode": one.currency,
        "CreatedDate": stamp(one.created_at),
        "LastModifiedDate": at,
        "SystemModstamp": at,
        "IsDeleted": int(gone),
        "MasterRecordId": _optional("crm_account", one.merged_into),
        "_deleted_at": at if gone else None,
    }


def _contact(one: CrmContact) -> Row:
    at = stamp(one.updated_at)
    return {
        "Id": vendor_id("crm_contact", one.id),
        "AccountId": vendor_id("crm_account", one.account_id),
        "FirstName": one.first_name or None,
        "LastName": one.last_name,
        "Name": " ".join(part for part in (one.first_name, one.last_name) if part),
        "Email": one.email or None,
        "Phone": one.phone or None,
        "Title": one.title or None,
        "CurrencyIsoCode": CORPORATE_CURRENCY,
        "CreatedDate": at,
        "LastModifiedDate": at,
        "SystemModstamp": at,
    }


def _opportunity(one: CrmOpportunity) -> Row:
    at = stamp(one.updated_at)
    return {
        "Id": vendor_id("crm_opportunity", one.id),
        "AccountId": vendor_id("crm_account", one.account_id),
        "Name": one.name,
        "StageName": one.stage,
        "Amount": one.amount / 10 ** MINOR_UNITS[one.currency],
        "CurrencyIsoCode": one.currency,
        "CloseDate": one.close_date.isoformat(),
        "IsClosed": int(one.is_closed),
        "IsWon": int(one.is_won),
        "CreatedDate": at,
        "LastModifiedDate": at,
        "SystemModstamp": at,
    }


class Projection:
    """Writes deltas into the store."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records
        self._seeded = bool(store.settings.get("seeded", False))
        if not self._seeded:
            store.connection.execute("pragma synchronous = off")
        self._bootstrap()

    def project(self, delta: Delta) -> None:
        """Upsert all records of a delta by id."""
        now = self._store.now()
        batches: list[tuple[str, Iterable[Row]]] = [
            ("User", (_user(one, now) for one in delta.employees)),
            ("Account", (_account(one) for one in delta.crm_accounts)),
            ("Contact", (_contact(one) for one in delta.crm_contacts)),
            ("Opportunity", (_opportunity(one) for one in delta.crm_opportunities)),
        ]
        with self._store.transaction() as at:
            for name, rows in batches:
                self._write(at, self._store.objects[name.lower()], list(rows))
            for currency, rate in delta.exchange_rates.items():
                self._store.connection.execute(
                    'update "o_CurrencyType" set "ConversionRate" = ? where "IsoCode" = ?',
                    (round(1 / rate, 6), currency),
                )
            if self._seeded:
                self._follow_merges(at)

    def finish_seeding(self) -> None:
        """Indexes, merged accounts' children, durable writes."""
        with self._store.lock:
            for item in list(self._store.objects.values()):
                self._store.build_indexes(item)
            with self._store.transaction() as at:
                self._store.connection.execute(
                    "insert or ignore into deletion"
                    ' select \'Account\', "Id", _deleted_at from "o_Account" where "IsDeleted" = 1'
                )
                self._follow_merges(at)
                at.changes.clear()
            self._store.connection.execute("analyze")
            self._store.connection.execute("pragma synchronous = normal")
            self._store.set_setting("seeded", True)
            self._seeded = True

    def _write(self, at: Transaction, owner: ObjectDef, rows: Sequence[Row]) -> None:
        if not rows:
            return
        before = self._current(owner, rows) if self._seeded else {}
        names = list(rows[0])
        sets = ", ".join(f'"{name}" = {_merge(name)}' for name in names if name not in ("Id", "CreatedDate"))
        marks = ", ".join("?" * len(names))
        columns = ", ".join(f'"{name}"' for name in names)
        self._store.connection.executemany(
            f'insert into "{owner.table}" ({columns}) values ({marks}) on conflict ("Id") do update set {sets}',
            [tuple(row.values()) for row in rows],
        )
        if not self._seeded:
            return
        for row in rows:
            self._announce(at, owner, before.get(row["Id"]), row)

    def _announce(self, at: Transaction, owner: ObjectDef, before: Row | None, row: Row) -> None:
        record_id = row["Id"]
        after = self._records.find(owner, record_id) or {}
        if before is None:
            at.changes.append(Change(owner.name, "CREATE", record_id, "", USER_ID, after))
            history.note_created(self._store, at, owner, record_id, USER_ID)
            return
        if after["IsDeleted"] and not before["IsDeleted"]:
            outer, at.now = at.now, row["SystemModstamp"]
            self._records.bury(at, owner, record_id, _WORLD, row.get("MasterRecordId"))
            at.now = outer
            return
        changed = {name: value for name, value in after.items() if before[name] != value and name != "_api"}
        if changed:
            at.changes.append(Change(owner.name, "UPDATE", record_id, "", USER_ID, changed))
            history.note_changes(self._store, at, owner, record_id, USER_ID, before, changed)

    def _current(self, owner: ObjectDef, rows: Sequence[Row]) -> dict[str, Row]:
        found = ((row["Id"], self._records.find(owner, row["Id"])) for row in rows)
        return {record_id: one for record_id, one in found if one is not None}

    def _follow_merges(self, at: Transaction) -> None:
        """Children of merged accounts belong to the master; children of deleted accounts are deleted."""
        run = self._store.connection.execute
        for name, link in (("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Account", "ParentId")):
            run(
                f'update "o_{name}" set "SystemModstamp" = max("SystemModstamp", ?), "{link}" ='
                f' (select a."MasterRecordId" from "o_Account" a where a."Id" = "o_{name}"."{link}")'
                f' where "{link}" in (select "Id" from "o_Account" where "MasterRecordId" is not null)',
                (at.now,),
            )
        for name in ("Contact", "Opportunity"):
            run(
                f'update "o_{name}" set "IsDeleted" = 1, _deleted_at = ?, "SystemModstamp" = ? where "IsDeleted" = 0'
                ' and "AccountId" in (select "Id" from "o_Account" where "IsDeleted" = 1 and "MasterRecordId" is null)',
                (at.now, at.now),
            )

    def _bootstrap(self) -> None:
        """The rows every org has: itself, the integration user, its currencies."""
        now = self._store.now()
        stamps = {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
        user = {
            "Id": USER_ID,
            "Username": USERNAME,
            "FirstName": "Integration",
            "LastName": "User",
            "Name": "Integration User",
            "Email": USERNAME,
            "IsActive": 1,
            "CurrencyIsoCode": CORPORATE_CURRENCY,
        }
        organization = {
            "Id": ORGANIZATION_ID,
            "Name": "arsync sandbox org",
            "IsSandbox": 1,
            "InstanceName": "AR1",
            "OrganizationType": "Enterprise Edition",
            "DefaultCurrencyIsoCode": CORPORATE_CURRENCY,
        }
        rows: list[tuple[str, Row]] = [("User", user), ("Organization", organization)]
        rows += [
            (
                "CurrencyType",
                {
                    "Id": ids.make("01L", number),
                    "IsoCode": code,
                    "ConversionRate": 1.0,
                    "DecimalPlaces": places,
                    "IsActive": 1,
                    "IsCorporate": int(code == CORPORATE_CURRENCY),
                },
            )
            for number, (code, places) in enumerate(CURRENCIES.items(), 1)
        ]
        with self._store.lock:
            for name, row in rows:
                whole = row | stamps
                columns = ", ".join(f'"{column}"' for column in whole)
                self._store.connection.execute(
                    f'insert or ignore into "o_{name}" ({columns}) values ({", ".join("?" * len(whole))})',
                    list(whole.values()),
                )


def _merge(name: str) -> str:
    """How a column takes the world's value when the row exists."""
    if name in _LATEST:
        return f'max("{name}", excluded."{name}")'
    if name in ("_deleted_at", "MasterRecordId"):
        return f'coalesce("{name}", excluded."{name}")'
    return f'iif(instr(_api, \',{name},\'), "{name}", excluded."{name}")'
