"""Lists, single objects, `expand`, and what a stored object shows at the moment of reading. No writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ..core.context import SandboxContext
from ..core.faults import Rule
from .errors import Invalid, Missing
from .events import RETENTION_SECONDS
from .ids import kind_of
from .params import Check, checked, integer, mapping, one_of, strings, text
from .store import PARENT, Store

Body = dict[str, Any]

COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

# what a list of each kind can be narrowed by, besides paging and `created`; names are members of the body
FILTERS: Mapping[str, tuple[str, ...]] = {
    "customer": ("email",),
    "invoice": ("customer", "status", "collection_method"),
    "invoiceitem": ("customer", "invoice"),
    "invoice_payment": ("invoice", "status"),
    "payment_intent": ("customer",),
    "charge": ("customer", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "credit_note": ("customer", "invoice"),
    "dispute": ("charge", "payment_intent"),
    "balance_transaction": ("currency", "payout", "source", "type"),
    "customer_balance_transaction": ("customer",),
    "payout": ("status", "destination"),
    "event": ("type", "types"),
    "webhook_endpoint": (),
}
_DRIFTS = ("drop_column", "add_column", "rename_column", "retype_column", "grow_enum")
_RANGES = ("created", "due_date", "arrival_date")


class Reader:
    """Reads objects of one store as the API shows them now."""

    def __init__(self, context: SandboxContext, store: Store) -> None:
        self._context = context
        self._store = store

    def now(self) -> int:
        return int(self._context.clock.now().timestamp())

    def visible(self, kind: str, object_id: str, *, param: str = "id") -> Body:
        """The object as the API shows it; raises Missing. A deleted one is its stub."""
        body = self._store.get(kind, object_id)
        if body is None or (kind == "event" and body["created"] < self.now() - RETENTION_SECONDS):
            raise Missing(kind, object_id, param=param)
        return self.shown(body)

    def shown(self, body: Body) -> Body:
        """Without our own members, and with those that depend on the time of reading."""
        shown = {name: value for name, value in body.items() if not name.startswith("_")}
        if body["object"] == "balance_transaction":
            shown["status"] = "available" if body["available_on"] <= self.now() else "pending"
        elif body["object"] == "event":
            sql = "select count(distinct endpoint) from delivery where event = ? and done = 0"
            shown["pending_webhooks"] = self._store.execute(sql, (body["id"],))[0][0]
        elif body["object"] == "webhook_endpoint":
            shown.pop("secret", None)
        return shown

    def page(self, kind: str, url: str, params: Body, path: str) -> bytes:
        """One page, newest first: `{"object": "list", ...}` as JSON."""
        known = dict.fromkeys(FILTERS[kind], text)
        accepts: dict[str, Check] = {
            **known,
            "limit": integer,
            "starting_after": text,
            "ending_before": text,
            "expand": strings,
            **dict.fromkeys(_RANGES, _range),
        }
        if kind == "event":
            accepts["types"] = strings
        if kind == "balance_transaction":
            accepts["type"] = one_of("charge", "refund", "adjustment", "payout", "payout_cancel")
        wanted = checked(params, accepts)
        limit = wanted.pop("limit", 10)
        if not 1 <= limit <= 100:
            raise Invalid("Invalid integer: limit must be between 1 and 100.", param="limit")
        after, before = wanted.pop("starting_after", None), wanted.pop("ending_before", None)
        expand = wanted.pop("expand", [])
        if after and before:
            raise Invalid("You may only specify one of: starting_after, ending_before.", param="starting_after")
        clauses, values = self._where(kind, wanted, path)
        if after or before:
            anchor = self._store.position(kind, after or before)
            if anchor is None:
                raise Missing(kind, after or before, param="starting_after" if after else "ending_before", status=400)
            drift = after and self._hit("page_drift", path)
            clauses += f" and (created, seq) {'<=' if drift else '<' if after else '>'} (?, ?)"
            values.extend(anchor)
        texts = self._store.select(kind, clauses, values, limit + 1, ascending=bool(before))
        more, texts = len(texts) > limit, texts[:limit]
        if before:
            texts.reverse()
        rows = self._rows(kind, texts, expand, path)
        head = orjson.dumps({"object": "list", "url": url, "has_more": more}).decode()
        return f'{head[:-1]},"data":[{",".join(rows)}]}}'.encode()

    def _where(self, kind: str, wanted: Body, path: str) -> tuple[str, list[Any]]:
        clauses, values = "", []
        if self._hit("ignore_filter", path):
            wanted = {}
        if kind == "event":
            wanted.setdefault("created", {})
            clauses += " and created >= ?"
            values.append(self.now() - RETENTION_SECONDS)
        for name, value in wanted.items():
            if name in _RANGES:
                column = "created" if name == "created" else f"json_extract(body, '$.{name}')"
                for operator, bound in value.items():
                    clauses += f" and {column} {operator} ?"
                    values.append(bound)
            elif name == "types":
                clauses += f" and json_extract(body, '$.type') in ({','.join('?' * len(value))})"
                values.extend(value)
            elif name == "type" and value and value.endswith("*"):
                clauses += " and json_extract(body, '$.type') glob ?"
                values.append(value)
            else:
                column = f"json_extract(body, '$.{name}')"
                if name == PARENT.get(kind):
                    column = "parent"
                elif name == "customer":
                    column = "customer"
                clauses += f" and {column} = ?"
                values.append(value)
        return clauses, values

    def _rows(self, kind: str, texts: list[str], expand: list[str], path: str) -> list[str]:
        paths = []
        for item in expand:
            if not item.startswith("data."):
                raise Invalid(f"This property cannot be expanded ({item}).", param="expand")
            paths.append(item.removeprefix("data."))
        drift = self._drift(path)
        plain = kind not in ("balance_transaction", "event", "webhook_endpoint")
        if plain and not (paths or drift):
            return texts
        bodies = [self.shown(orjson.loads(item)) for item in texts]
        self.expand(bodies, paths)
        _distort(bodies, kind, drift)
        return [orjson.dumps(body).decode() for body in bodies]

    def distort(self, body: Body, path: str) -> Body:
        """Applies schema faults to a single object."""
        _distort([body], body.get("object", ""), self._drift(path))
        return body

    def _drift(self, path: str) -> list[Rule]:
        return [rule for kind in _DRIFTS if (rule := self._hit(kind, path))]

    def _hit(self, kind: str, path: str) -> Rule | None:
        return self._context.faults.hit("stripe", kind, "GET", path)

    def expand(self, bodies: list[Body], paths: list[str]) -> None:
        """Replaces ids by objects along dotted paths, at most four levels deep, one query per level and kind."""
        for path in paths:
            parts = path.split(".")
            if sum(part != "data" for part in parts) > 4:
                raise Invalid("You cannot expand more than 4 levels of a property.", param="expand")
            nodes = bodies
            for part in parts:
                nodes = self._expand_level(nodes, part, path)

    def _expand_level(self, nodes: list[Body], part: str, path: str) -> list[Body]:
        targets: list[tuple[Body, str]] = []
        reached: list[Body] = []
        for node in nodes:
            if part not in node:
                raise Invalid(f"This property cannot be expanded ({path}).", param="expand")
            value = node[part]
            if isinstance(value, str):
                targets.append((node, value))
            else:
                reached.extend(value if isinstance(value, list) else [value] if isinstance(value, dict) else [])
        by_kind: dict[str, list[str]] = {}
        for _, object_id in targets:
            kind = kind_of(object_id)
            if kind is None:
                raise Invalid(f"This property cannot be expanded ({path}).", param="expand")
            by_kind.setdefault(kind, []).append(object_id)
        found: dict[str, Body] = {}
        for kind, ids in by_kind.items():
            found.update(self._store.get_many(kind, sorted(set(ids))))
        for node, object_id in targets:
            if object_id in found:
                node[part] = self.shown(found[object_id])
                reached.append(node[part])
        return reached


def _range(name: str, value: Any) -> dict[str, int]:
    """`created=1` or `created[gte]=1` -> SQL operators and bounds."""
    if isinstance(value, str):
        return {"=": integer(name, value)}
    given = mapping(name, value) or {}
    if set(given) - set(COMPARISONS):
        raise Invalid(f"Received unknown parameter: {name}[{sorted(set(given) - set(COMPARISONS))[0]}]", param=name)
    return {COMPARISONS[key]: integer(f"{name}[{key}]", bound) for key, bound in given.items()}


def _distort(bodies: list[Body], kind: str, drift: list[Rule]) -> None:
    """Schema drift: a member vanishes, comes, has another name or another value; a retyped integer becomes text and
    anything else a list."""
    for rule in drift:
        column = str(rule.params.get("column"))
        for body in bodies if rule.params.get("table", kind) == kind else ():
            if rule.kind == "add_column":
                body[column] = body.get(str(rule.params["like"]))
            elif column not in body:
                continue
            elif rule.kind == "drop_column":
                del body[column]
            elif rule.kind == "rename_column":
                body[str(rule.params["to"])] = body.pop(column)
            elif rule.kind == "grow_enum":
                body[column] = rule.params["value"]
            else:
                value = body[column]
                body[column] = str(value) if isinstance(value, int) else [value]
