"""The streams of a Tryton company: raw columns, keys, how deletes are seen, and the fields they are asked for.

Tryton deletes physically and leaves no trace, so every stream compares its keys with the server's. `write_date` is
empty until a record is first changed: the cursor column `modified_at` is write_date, else create_date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from arsync_pipelines.ports.source import CursorSpec, Field, FieldKind, StreamSpec

RESOLUTION = timedelta(microseconds=1)
OVERLAP = timedelta(minutes=15)
"""Longer than a mass posting: write_date is the instant at which the transaction began."""

KINDS: Mapping[str, FieldKind] = {"int": "integer", "bool": "boolean", "json": "json"}


@dataclass(frozen=True, slots=True)
class Query:
    """How a stream is asked for: model, raw column -> field (dotted through one record), and what of it is wanted."""

    spec: StreamSpec
    model: str
    fields: Mapping[str, str]
    domain: tuple[Any, ...] = ()
    module: str = ""


def _stream(
    name: str,
    model: str,
    columns: str,
    required: str,
    description: str,
    *,
    whole: bool = False,
    domain: tuple[Any, ...] = (),
    module: str = "",
) -> Query:
    """`columns`: `name`, `name:kind` or `name=field.of.another:kind`. `whole`: small, read whole every time."""
    fields: dict[str, str] = {}
    declared: list[Field] = []
    needed = {"id", *required.split(), "modified_at"}
    for text in f"id {columns} created_at=create_date modified_at=write_date".split():
        named, _, kind = text.partition(":")
        column, _, path = named.partition("=")
        fields[column] = path or column
        declared.append(Field(column, kind=KINDS[kind] if kind else "text", required=column in needed))
    spec = StreamSpec(
        system="tryton",
        name=name,
        primary_key=("id",),
        fields=tuple(declared),
        cursor=None if whole else CursorSpec("modified_at", RESOLUTION, OVERLAP),
        page_size=1000,
        delete_detection="full",
        description=description,
    )
    return Query(spec, model, fields, domain, module)


_RECEIVABLE = (
    "OR",
    ["account.type.receivable", "=", True],
    ["account.debit_type.receivable", "=", True],
    ["account.credit_type.receivable", "=", True],
)

QUERIES: tuple[Query, ...] = (
    _stream(
        "company",
        "company.company",
        "party name=rec_name currency timezone",
        "name currency",
        "Legal entities, with their functional currency and time zone.",
        whole=True,
    ),
    _stream(
        "currency",
        "currency.currency",
        "code name symbol numeric_code digits:int rounding active:bool",
        "code digits",
        "Currencies and the digits they are rounded to.",
        whole=True,
    ),
    _stream(
        "currency_rate",
        "currency.currency.rate",
        "currency date rate",
        "currency rate",
        "Rates from a date on; amount in B = amount in A * rate of B / rate of A.",
    ),
    _stream(
        "payment_term",
        "account.invoice.payment_term",
        "name description active:bool",
        "name",
        "Payment terms.",
        whole=True,
    ),
    _stream(
        "payment_term_line",
        "account.invoice.payment_term.line",
        "payment_term=payment sequence:int type ratio divisor amount currency",
        "payment_term type",
        "Instalments of payment terms: a share, a fixed amount or the remainder.",
        whole=True,
    ),
    _stream(
        "payment_term_delta",
        "account.invoice.payment_term.line.delta",
        "line sequence:int day:int month weekday months:int weeks:int days:int",
        "line",
        "How far an instalment's due date lies from the invoice's.",
        whole=True,
    ),
    _stream(
        "account",
        "account.account",
        "company code name closed:bool reconcile:bool party_required:bool parent second_currency type "
        "type_name=type.name receivable=type.receivable:bool payable=type.payable:bool",
        "company name",
        "Chart of accounts; the control accounts of receivables have `receivable`.",
        whole=True,
    ),
    _stream("journal", "account.journal", "name code type active:bool", "type", "Journals and their kind.", whole=True),
    _stream(
        "fiscal_period",
        "account.period",
        "company name fiscalyear start_date end_date type state",
        "start_date end_date",
        "Posting periods and whether they are closed.",
        whole=True,
    ),
    _stream(
        "party",
        "party.party",
        "code name active:bool replaced_by customer_payment_term",
        "name active",
        "Customers and other parties; a merged one is inactive and names the party that replaced it.",
    ),
    _stream(
        "party_identifier",
        "party.identifier",
        "party type code address active:bool",
        "party code",
        "Tax and other identifiers of parties.",
    ),
    _stream(
        "party_address",
        "party.address",
        "party party_name attn street postal_code city subdivision=subdivision.code country=country.code invoice:bool "
        "active:bool",
        "party",
        "Addresses of parties; `invoice` marks the one invoices go to.",
    ),
    _stream(
        "party_contact_mechanism",
        "party.contact_mechanism",
        "party type value name active:bool",
        "party type",
        "E-mail addresses, telephone numbers and websites of parties.",
    ),
    _stream(
        "invoice",
        "account.invoice",
        "company type number reference description state invoice_date accounting_date payment_term payment_term_date "
        "party invoice_address currency journal move cancel_move additional_moves:json account payment_lines:json "
        "untaxed_amount tax_amount total_amount",
        "company type state party currency total_amount",
        "Customer invoices and credit notes (negative totals); amounts in the invoice's currency.",
        domain=(["type", "=", "out"],),
    ),
    _stream(
        "move",
        "account.move",
        "company number period journal date post_date description origin state",
        "company journal date state",
        "Journal entries.",
    ),
    _stream(
        "move_line",
        "account.move.line",
        "move account party debit credit second_currency amount_second_currency maturity_date reconciliation "
        "description origin state",
        "move account debit credit",
        "Lines on receivable accounts in the company's currency, and in the document's when that is another.",
        domain=(list(_RECEIVABLE),),
    ),
    _stream(
        "reconciliation",
        "account.move.reconciliation",
        "company number date delegate_to",
        "company date",
        "Sets of lines that settle each other, from a date on; undoing one deletes it.",
    ),
    _stream(
        "dunning_level",
        "account.dunning.level",
        "procedure procedure_name=procedure.name sequence:int overdue",
        "procedure",
        "Levels of dunning procedures; `overdue` in seconds.",
        whole=True,
        module="account_dunning",
    ),
    _stream(
        "dunning",
        "account.dunning",
        "company line procedure level date blocked:bool state",
        "line level state",
        "Dunnings of receivable lines.",
        module="account_dunning",
    ),
)

STREAMS: tuple[StreamSpec, ...] = tuple(query.spec for query in QUERIES)
