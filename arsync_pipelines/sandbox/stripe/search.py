"""Search: `metadata['erp_customer']:'1001' AND created>1700000000`, over an index that may lag behind the objects."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson

from .errors import Invalid
from .params import checked, integer, strings, text
from .read import Reader
from .store import Store

FIELDS = {
    "customer": ("created", "email", "metadata", "name", "phone"),
    "invoice": ("created", "currency", "customer", "metadata", "number", "status", "total"),
    "charge": ("amount", "created", "currency", "customer", "disputed", "metadata", "refunded", "status"),
    "payment_intent": ("amount", "created", "currency", "customer", "metadata", "status"),
}
_CLAUSE = re.compile(
    r"""\s*(?P<negate>-)?(?P<field>\w+)(?:\[(?P<q>['"])(?P<key>.+?)(?P=q)\])?
        (?P<op>:|~|>=|<=|>|<)
        (?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|null|-?\d+|true|false)""",
    re.VERBOSE,
)
_JOIN = re.compile(r"\s+(AND|OR)\s+|\s+(?=\S)")


def parse(kind: str, query: str) -> tuple[str, list[Any]]:
    """The query as an SQL condition. AND and OR may not be mixed, as at Stripe."""
    clauses: list[str] = []
    values: list[Any] = []
    joins: set[str] = set()
    at = 0
    while at < len(query):
        match = _CLAUSE.match(query, at)
        if match is None or match["field"] not in FIELDS[kind]:
            raise Invalid(f"We were unable to parse your search query at: {query[at:]}", param="query")
        clauses.append(_condition(match, values))
        at = match.end()
        if join := _JOIN.match(query, at):
            joins.add(join[1] or "AND")
            at = join.end()
        elif query[at:].strip():
            raise Invalid(f"We were unable to parse your search query at: {query[at:]}", param="query")
        else:
            break
    if not clauses or len(joins) > 1:
        raise Invalid("We were unable to parse your search query: combine clauses by AND or by OR.", param="query")
    return f" {joins.pop() if joins else 'AND'} ".join(clauses), values


def _condition(match: re.Match[str], values: list[Any]) -> str:
    raw = match["value"]
    column = f"json_extract(body, '$.{match['field']}')"
    if match["key"]:
        column = "json_extract(body, ?)"
        values.append(f'$.{match["field"]}."{match["key"]}"')
    quoted = raw[0] in "'\""
    value: Any = re.sub(r"\\(.)", r"\1", raw[1:-1]) if quoted else raw
    if raw == "null":
        condition = f"{column} is null"
    elif match["op"] == "~":
        values.append(value)
        condition = f"instr(lower({column}), lower(?)) > 0"
    elif match["op"] == ":":
        values.append(value)
        condition = f"lower(cast({column} as text)) = lower(?)"
        if raw in ("true", "false"):
            values[-1] = int(raw == "true")
            condition = f"{column} = ?"
    else:
        values.append(int(value))
        condition = f"{column} {match['op']} ?"
    return f"not coalesce({condition}, 0)" if match["negate"] else f"({condition})"


def search(reader: Reader, store: Store, kind: str, url: str, params: dict[str, Any], lag_seconds: float) -> bytes:
    """One page of results. Objects written less than `lag_seconds` (real time) ago are not yet in the index."""
    wanted = checked(params, {"query": text, "limit": integer, "page": text, "expand": strings}, ("query",))
    limit = wanted.get("limit", 10)
    if not 1 <= limit <= 100:
        raise Invalid("Invalid integer: limit must be between 1 and 100.", param="limit")
    condition, values = parse(kind, wanted["query"])
    offset = 0
    if page := wanted.get("page"):
        if not re.fullmatch(r"page_\d+", page):
            raise Invalid("Invalid page.", param="page")
        offset = int(page.removeprefix("page_"))
    where = f" and ({condition}) and written <= ?"
    texts = store.select(kind, where, [*values, time.time() - lag_seconds], offset + limit + 1)[offset:]
    more = len(texts) > limit
    bodies = [reader.shown(orjson.loads(item)) for item in texts[:limit]]
    reader.expand(bodies, [item.removeprefix("data.") for item in wanted.get("expand", [])])
    result = {"object": "search_result", "url": url, "has_more": more, "data": bodies}
    result["next_page"] = f"page_{offset + limit}" if more else None
    return orjson.dumps(result)
