"""Fields of the record types: their names in REST bodies, their columns, and how values are read and shown."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Literal, get_args

from ..dates import day_of, iso_utc, wall_of
from ..errors import ApiError

FieldKind = Literal["text", "money", "rate", "bool", "ref", "choice", "date", "ts"]
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_\-.| ]{1,255}")


@dataclass(frozen=True)
class Field:
    """`target` is the table of a reference; `writable` is False for what NetSuite computes."""

    column: str
    kind: FieldKind
    target: str = ""
    writable: bool = True


def _fields(spec: str) -> dict[str, Field]:
    """ "name column kind [target]", one per line; a leading `-` marks fields that cannot be written."""
    fields = {}
    kinds: dict[str, FieldKind] = {kind: kind for kind in get_args(FieldKind)}
    for line in filter(None, (text.strip() for text in spec.splitlines())):
        name, column, kind, *target = line.split()
        fields[name.lstrip("-")] = Field(column, kinds[kind], target[0] if target else "", not name.startswith("-"))
    return fields


CUSTOMER = _fields(
    """
    entityId entityid text
    companyName companyname text
    email email text
    phone phone text
    url url text
    comments comments text
    externalId externalid text
    vatRegNumber vatregnumber text
    subsidiary subsidiary ref subsidiary
    currency currency ref currency
    terms terms ref term
    parent parent ref customer
    creditLimit creditlimit money
    creditHoldOverride creditholdoverride choice
    isInactive isinactive bool
    isPerson isperson bool
    -dateCreated datecreated ts
    -lastModifiedDate lastmodifieddate ts
    """
)
_COMMON = """
    tranId tranid text
    tranDate trandate date
    currency currency ref currency
    exchangeRate exchangerate rate
    subsidiary subsidiary ref subsidiary
    memo memo text
    externalId externalid text
    postingPeriod postingperiod ref accountingperiod
    -createdDate createddate ts
    -lastModifiedDate lastmodifieddate ts
"""
_SALES = (
    _COMMON
    + """
    entity entity ref customer
    terms terms ref term
    dueDate duedate date
    custbody_dispute_reason custbody_dispute_reason text
    custbody_disputed_amount custbody_disputed_amount money
    -total foreigntotal money
    """
)
INVOICE = _fields(_SALES + "-amountPaid foreignamountpaid money\n-amountRemaining foreignamountunpaid money")
CREDIT_MEMO = _fields(_SALES + "-applied foreignpaymentamountused money\n-unapplied foreignpaymentamountunused money")
PAYMENT = _fields(
    _COMMON
    + """
    customer entity ref customer
    payment foreigntotal money
    account account ref account
    -applied foreignpaymentamountused money
    -unapplied foreignpaymentamountunused money
    """
)
DEPOSIT = _fields(_COMMON + "account account ref account\n-total foreigntotal money")


def invalid(path: str, detail: str) -> ApiError:
    return ApiError(400, "INVALID_CONTENT", f"Error while accessing a resource. {detail}", path=path)


def user_error(detail: str, path: str = "") -> ApiError:
    return ApiError(400, "USER_ERROR", f"Error while accessing a resource. {detail}", path=path)


def read(db: sqlite3.Connection, field: Field, value: Any, path: str) -> Any:
    """A value of a request body as its column stores it. Raises ApiError 400 with the culprit's path."""
    if value is None or value == "":
        return None
    if field.kind == "ref":
        return reference(db, field.target, value, path)
    if field.kind == "choice":
        return str(value.get("id", "")) if isinstance(value, dict) else str(value)
    if field.kind == "bool" and isinstance(value, bool):
        return "T" if value else "F"
    readers: dict[FieldKind, Callable[[Any, str], Any]] = {"money": amount, "rate": _rate, "date": _date}
    if reader := readers.get(field.kind):
        return reader(value, path)
    malformed = field.column == "externalid" and not _EXTERNAL_ID.fullmatch(str(value))
    if not isinstance(value, str) or field.kind == "bool" or malformed:
        raise _bad(path)
    return value


def _rate(value: Any, path: str) -> float:
    return float(_number(value, path))


def _date(value: Any, path: str) -> int:
    try:
        return wall_of(date.fromisoformat(str(value)[:10]))
    except ValueError as error:
        raise _bad(path) from error


def hundredths(number: Decimal) -> int:
    return int((number * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def amount(value: Any, path: str) -> int:
    return hundredths(_number(value, path))


def _number(value: Any, path: str) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else None
    except InvalidOperation as error:
        raise _bad(path) from error
    if number is None or not number.is_finite():
        raise _bad(path)
    return number


def _bad(path: str) -> ApiError:
    name = path.rpartition(".")[2]
    detail = f"Invalid value for the resource or sub-resource field '{name}'. Provide a valid value."
    return ApiError(400, "INVALID_VALUE", f"Error while accessing a resource. {detail}", path=path)


def reference(db: sqlite3.Connection, target: str, value: Any, path: str) -> int:
    """`{"id": "1"}`, `{"externalId": "X"}` or a bare id; must exist."""
    if isinstance(value, dict) and "externalId" in value and target in {"customer", "transaction"}:
        query, key = f'select id from "{target}" where externalid = ?', str(value["externalId"])
    else:
        query, key = (
            f'select id from "{target}" where id = ?',
            str(value.get("id", "") if isinstance(value, dict) else value),
        )
        if not key.isdigit():
            raise _bad(path)
    row = db.execute(query, (key,)).fetchone()
    if row is None:
        raise _bad(path)
    return int(row[0])


def show(db: sqlite3.Connection, field: Field, value: Any, record_url: str) -> Any:
    """A column as a REST body carries it: real booleans and numbers, ISO dates, references as objects."""
    if field.kind == "ref":
        label = {"currency": "name", "customer": "fullname", "accountingperiod": "periodname", "account": "fullname"}
        row = db.execute(
            f'select "{label.get(field.target, "name")}" from "{field.target}" where id = ?', (value,)
        ).fetchone()
        links = [{"rel": "self", "href": f"{record_url}/{field.target}/{value}"}]
        return {"links": links, "id": str(value), "refName": row[0] if row else ""}
    if field.kind == "choice":
        return {"id": value, "refName": str(value).capitalize()}
    if field.kind == "money":
        return value // 100 if value % 100 == 0 else value / 100
    plain: dict[FieldKind, Callable[[Any], Any]] = {
        "bool": lambda v: v == "T",
        "date": lambda v: day_of(v).isoformat(),
        "ts": iso_utc,
    }
    return plain.get(field.kind, lambda v: v)(value)
