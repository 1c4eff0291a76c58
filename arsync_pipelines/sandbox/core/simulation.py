"""The running world: time and business move here, and every vendor hears of it.

Holds the one lock under which the world changes. Knows vendors only through their Protocol.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from .context import SandboxContext
from .errors import SandboxError
from .vendor import VendorSandbox
from .world.company import midnight
from .world.generator import Size
from .world.records import Delta
from .world.truth import Truth
from .world.world import World

# (invoices made so far, all of them)
Progress = Callable[[int, int], None]
TRUTHS = ("accounts", "balances", "invoices", "tieout", "tieout_functional", "parties")


class Simulation:
    """`vendors` are in the order of their ports. Methods may be called from any thread."""

    def __init__(self, context: SandboxContext, world: World, vendors: list[VendorSandbox]) -> None:
        self.context = context
        self.world = world
        self.vendors = vendors
        self._lock = threading.RLock()
        self._truth: Truth | None = None
        self._lived_until: datetime | None = context.clock.now() if context.clock.rate != 1.0 else None

    def seed(self, size: Size, progress: Progress) -> None:
        """Makes the past and gives it to all vendors."""
        made = 0
        # millions of small records, none in a cycle: the collector would only walk them again and again
        gc.disable()
        try:
            for delta in self.world.seed(size):
                self._project(delta)
                made += len(delta.invoices)
                progress(min(made, size.invoices), size.invoices)
        finally:
            gc.enable()
        for vendor in self.vendors:
            vendor.finish_seeding()
        self.world.seeding_done()

    def recover(self) -> None:
        """Projects again what a killed process may not have finished."""
        delta = self.world.pending()
        if delta is not None:
            self._project(delta)
            self.world.projected()

    def advance(self, days: int) -> dict[str, Any]:
        """Lets whole days of business happen; returns the new time and what was made or changed, by record type."""
        if days < 1:
            raise SandboxError(f"cannot advance by {days} days; give 1 or more")
        changes: dict[str, int] = {}
        with self._lock:
            for _ in range(days):
                delta = self.world.day(self.context.clock.now())
                self._spread(delta)
                self.context.clock.advance(timedelta(days=1))
                for name, count in counted(delta).items():
                    changes[name] = changes.get(name, 0) + count
            if self._lived_until is not None:
                self._lived_until = self.context.clock.now()
            now = self.context.clock.now()
        return {"now": now.isoformat(), "date": now.date().isoformat(), "days": days, "changes": changes}

    def live(self, rate: float) -> None:
        """Virtual seconds per real second, with business; 0 goes back to a clock in real time without business."""
        with self._lock:
            self.context.clock.set_rate(rate or 1.0)
            self._lived_until = self.context.clock.now() if rate else None

    def tick(self) -> None:
        """Makes the business of the virtual time since the last tick happen, while living. Call every second."""
        with self._lock:
            if self._lived_until is None:
                return
            self.context.clock.checkpoint()
            now = self.context.clock.now()
            while self._lived_until < now:
                # a fast clock passes midnight between two ticks
                end = min(now, midnight(self._lived_until.date() + timedelta(days=1)))
                self._spread(self.world.stretch(self._lived_until, end))
                self._lived_until = end

    def event(self, kind: str, invoice_number: str | None, amount: int | None) -> dict[str, Any]:
        """One fact on demand. Returns the invoice and how it now stands. Raises EventRefused."""
        with self._lock:
            delta, invoice = self.world.event(kind, invoice_number, amount, self.context.clock.now())
            self._spread(delta)
            rows = [row for row in self.truth("invoices") if row["world_id"] == invoice.id]
            own = known_as(self.vendors, "invoice", invoice.id)
        return {"event": kind, "number": invoice.number, "erp_id": own, "invoice": rows[0] if rows else None}

    def truth(self, kind: str, as_of: date | None = None) -> list[dict[str, Any]]:
        """Rows of truth.py with the vendors' ids beside the world's: account, erp_id, ... Default: today."""
        if kind not in TRUTHS:
            raise SandboxError(f"unknown truth {kind!r}; known: {', '.join(TRUTHS)}")
        with self._lock:
            day = as_of or self.context.clock.today()
            if self._truth is None or self._truth.as_of != day:
                self._truth = Truth(self.world.store, day)
            rows: list[dict[str, Any]] = getattr(self._truth, kind)
        return [{**row, **self._vendor_ids(kind, row)} for row in rows]

    def info(self) -> dict[str, Any]:
        size = self.world.size
        return {
            "seed": size.seed,
            "customers": size.customers,
            "invoices": size.invoices,
            "months": size.months,
            "vendors": [vendor.name for vendor in self.vendors],
            "base_urls": dict(self.context.base_urls),
            "rate": self.context.clock.rate,
            "living": self._lived_until is not None,
            "records": dict(sorted(self.world.store.get("ids").items())),
        }

    def close(self) -> None:
        with self._lock:
            self.context.clock.checkpoint()
            for vendor in self.vendors:
                vendor.close()
            self.world.store.close()
            self.context.journal.close()

    def _spread(self, delta: Delta) -> None:
        self._truth = None
        self._project(delta)
        self.world.projected()

    def _project(self, delta: Delta) -> None:
        for vendor in self.vendors:
            vendor.project(delta)

    def _vendor_ids(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        def one(record_type: str, world_id: int | None) -> str | None:
            return None if world_id is None else known_as(self.vendors, record_type, world_id)

        if kind == "accounts":
            return {"account": one("crm_account", row["world_id"])}
        if kind == "balances":
            return {"account": one("crm_account", row["account_id"]), "erp_id": one("erp_customer", row["world_id"])}
        if kind == "invoices":
            return {"account": one("crm_account", row["account_id"]), "erp_id": one("invoice", row["world_id"])}
        if kind == "parties":
            return {
                "accounts": [one("crm_account", number) for number in row["account_ids"]],
                "primary_account": one("crm_account", row["primary_account_id"]),
                "erp_ids": [one("erp_customer", number) for number in row["erp_customer_ids"]],
                "processor_ids": [one("processor_customer", number) for number in row["processor_customer_ids"]],
            }
        return {}


def known_as(vendors: list[VendorSandbox], record_type: str, world_id: int) -> str | None:
    """The id that the first vendor holding this record type shows for it; None when no hosted vendor holds it."""
    for vendor in vendors:
        try:
            return vendor.vendor_id(record_type, world_id)
        except KeyError:
            continue
    return None


def counted(delta: Delta) -> dict[str, int]:
    """Records by type, without the empty ones."""
    sizes = {name: len(getattr(delta, name)) for name in delta.__dataclass_fields__}
    return {name: size for name, size in sizes.items() if size}
