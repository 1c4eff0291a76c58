"""What arsync.toml may say about a folder of extracts.

[connections.books]
vendor = "files"
folder = "extracts"
time_zone = "Europe/Berlin"
currency = "EUR"

[connections.books.invoices]
pattern = "invoices-*.csv"
full = true
date_format = "%d.%m.%Y"
decimal = ","
thousands = "."

[connections.books.invoices.columns]
invoice_id = { template = "{Company}-{Invoice No}" }
customer_id = "Customer"
legal_entity = { value = "DE01" }
...
"""

from __future__ import annotations

from pathlib import Path
from string import Formatter
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from arsync_pipelines.connectors.files.currencies import MINOR_UNITS
from arsync_pipelines.connectors.files.spec import FIELDS, Entity


class Constant(BaseModel):
    """The same text in every row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str
    """The text."""


class Template(BaseModel):
    """Text with source columns in braces; a row where one of them is blank has no value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template: str
    """Column names in braces among fixed text."""

    @field_validator("template")
    @classmethod
    def _parses(cls, template: str) -> str:
        if not template_columns(template):
            raise ValueError(f"template {template!r} names no column in braces; use {{ value = ... }} for fixed text")
        return template


ColumnSource = str | Constant | Template


def template_columns(template: str) -> list[str]:
    """Columns in braces, in order. Raises ValueError for unbalanced braces."""
    return [name for _, name, _, _ in Formatter().parse(template) if name]


class EntityOptions(BaseModel):
    """One kind of extract: which files, how they are written, and where each canonical field comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str = ""
    """Glob below the folder (`invoices/*.csv`). Only customers may leave it out: they are taken from the invoices."""
    full: bool | None = None
    """true: each new file holds everything, and what it lacks is gone. false: each holds new and changed rows only."""
    columns: dict[str, ColumnSource] = Field(default_factory=dict)
    """Canonical field = "Source Column" | { template = "{A}-{B}" } | { value = "fixed" }."""
    date_format: str = ""
    """strptime format of dates written as text; "" for ISO 8601."""
    decimal: str = Field(default=".", min_length=1, max_length=1)
    """Decimal separator of amounts written as text."""
    thousands: str = Field(default="", max_length=1)
    """Thousands separator, "" for none."""
    encoding: str = "utf-8-sig"
    """Of text files."""
    delimiter: str = Field(default="", max_length=1)
    """"" for a comma, or a tab in .tsv files."""
    sheet: str = ""
    """Excel sheet; "" for the first."""
    true_values: tuple[str, ...] = ("true", "yes", "y", "1", "x")
    """Texts that mean true, in any case."""
    false_values: tuple[str, ...] = ("false", "no", "n", "0")
    """Texts that mean false, in any case."""

    @property
    def named(self) -> frozenset[str]:
        """The source's columns that the mapping names."""
        plain = {source for source in self.columns.values() if isinstance(source, str)}
        templates = [source.template for source in self.columns.values() if isinstance(source, Template)]
        return frozenset(plain.union(*map(template_columns, templates)))

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            "".encode(name)
        except LookupError:
            raise ValueError(f"unknown encoding {name!r}; usual ones are utf-8-sig, cp1252, latin-1, utf-16") from None
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.pattern and self.full is None:
            raise ValueError(
                "say `full = true` (each file holds everything; missing rows are gone) or `full = false` (new and "
                "changed rows only)"
            )
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands separators are both {self.decimal!r}")
        if Path(self.pattern).is_absolute() or ".." in Path(self.pattern).parts:
            raise ValueError(f"pattern {self.pattern!r} must stay inside the folder")
        return self


class FilesOptions(BaseModel):
    """One folder of CSV, Excel or Parquet extracts of one set of books."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    """Where the extracts arrive; a relative path starts at the working folder."""
    time_zone: str = "UTC"
    """IANA name; stamps with an offset become dates in this zone."""
    currency: str = ""
    """ISO 4217 code where a row or mapping names none."""
    customers: EntityOptions | None = None
    """Customers; without a pattern they are taken from the invoices."""
    invoices: EntityOptions | None = None
    """Invoices, with their settlement where the extract shows it."""
    payments: EntityOptions | None = None
    """Payments, where there are extracts of them."""
    promises: EntityOptions | None = None
    """Promises to pay; `customer_id` and `invoice_id` of another connection as <connection>:<id>."""
    orders: EntityOptions | None = None
    """Orders and what of them is not billed yet; customers as for promises."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {name!r}; use an IANA name such as Europe/Berlin") from None
        return name

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str) -> str:
        if code and code not in MINOR_UNITS:
            raise ValueError(f"unknown currency {code!r}; use an ISO 4217 code such as EUR")
        return code

    @model_validator(mode="after")
    def _mapped(self) -> Self:
        entities = self.entities()
        if not entities:
            raise ValueError(f"no extracts: add one of {', '.join(FIELDS)}, with pattern and columns")
        if self.invoices is None and (self.payments or self.customers):
            raise ValueError("customers and payments go with invoices: add [invoices] with pattern and columns")
        for entity in sorted(entities, key=lambda name: name != "invoices"):  # customers may derive from invoices
            options, canonical = entities[entity], FIELDS[entity]
            unknown = sorted(set(options.columns) - set(canonical))
            if unknown:
                raise ValueError(f"{entity}.columns: unknown field {unknown[0]!r}; there are {', '.join(canonical)}")
            missing = [
                name
                for name, field in canonical.items()
                if field.required and name not in options.columns and not (name == "currency" and self.currency)
            ]
            if missing:
                raise ValueError(f"{entity}.columns: no source for {', '.join(missing)}")
            if not options.pattern:
                raise ValueError(f"{entity}.pattern: which files? For example pattern = '{entity}-*.csv'")
        return self

    def entities(self) -> dict[Entity, EntityOptions]:
        """The entities that this connection has. Customers without files are read from the invoices' files."""
        found: dict[Entity, EntityOptions] = {}
        if self.invoices:
            found |= {"customers": self._customers(self.invoices), "invoices": self.invoices}
        others: dict[Entity, EntityOptions | None] = {
            "payments": self.payments, "promises": self.promises, "orders": self.orders,
        }  # fmt: skip
        return found | {entity: options for entity, options in others.items() if options}

    @property
    def derives_customers(self) -> bool:
        return self.customers is None or not self.customers.pattern

    def _customers(self, invoices: EntityOptions) -> EntityOptions:
        if self.customers and self.customers.pattern:
            return self.customers
        columns: dict[str, ColumnSource] = dict(self.customers.columns) if self.customers else {}
        if "customer_id" in invoices.columns:
            columns.setdefault("customer_id", invoices.columns["customer_id"])
        currency = invoices.columns.get("currency")
        if isinstance(currency, Constant):
            columns.setdefault("currency", currency)
        return invoices.model_copy(update={"columns": columns})
