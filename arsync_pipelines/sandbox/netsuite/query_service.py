"""POST /query/v1/suiteql: request rules, the result envelope and the faults of reading."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..core.drift import columns_in
from ..core.faults import Faults
from .errors import ApiError
from .suiteql import SuiteQl
from .suiteql.engine import MAX_PAGE, MAX_ROWS, Retyped

MEDIA_TYPE = "application/vnd.oracle.resource+json; type=collection"
_VENDOR = "netsuite"


class QueryService:
    """Answers SuiteQL requests over one account."""

    def __init__(self, engine: SuiteQl, faults: Faults) -> None:
        self._engine = engine
        self._faults = faults

    def handle(self, request: Request, body: bytes) -> Response:
        preferences = [part.strip().lower() for part in request.headers.get("prefer", "").split(",")]
        if "transient" not in preferences:
            detail = "The required request header 'Prefer' is missing or invalid. Set it to 'transient'."
            raise ApiError(400, "INVALID_HEADER", detail, header="Prefer")
        limit, offset = page_parameters(request)
        text, params = _read_body(body)
        where = (request.method, request.url.path)
        drift = self._faults.hit(_VENDOR, "page_drift", *where) if offset else None
        page = self._engine.page(
            text,
            params,
            limit,
            offset,
            skip=int(drift.params.get("rows", 1)) if drift else 0,
            drift=columns_in(self._faults, _VENDOR, *where),
            ignore_filter=self._faults.hit(_VENDOR, "ignore_filter", *where) is not None,
            retyped=self._retyped(where, text),
        )
        envelope = {
            "links": page_links(request, limit, offset, page.total, page.has_more),
            "count": len(page.items),
            "hasMore": page.has_more,
            "items": page.items,
            "offset": offset,
            "totalResults": page.total,
        }
        return Response(orjson.dumps(envelope), media_type=MEDIA_TYPE)

    def _retyped(self, where: tuple[str, str], text: str) -> Retyped | None:
        for kind in ("retype_column", "grow_enum"):
            rule = self._faults.hit(_VENDOR, kind, *where)
            if rule is None or not re.search(rf"\b(FROM|JOIN) {rule.params['table']}\b", text, re.IGNORECASE):
                continue
            shown = localised if kind == "retype_column" else partial(_grown, str(rule.params["value"]))
            return str(rule.params["column"]).lower(), shown
        return None


def localised(value: Any) -> str:
    """A column after somebody made it a formatted text field: `USD 1,234.50`, or the text in brackets."""
    if isinstance(value, int | float):
        return f"USD {value / 100:,.2f}"
    return f"<{value}>"


def _grown(shown: str, _value: Any) -> str:
    """A column after its list of values grew: another one, whatever it held."""
    return shown


def page_parameters(request: Request) -> tuple[int, int]:
    """(limit, offset). Raises ApiError 400 where the vendor would."""
    limit = _whole(request, "limit", MAX_PAGE)
    offset = _whole(request, "offset", 0)
    if not 1 <= limit <= MAX_PAGE:
        detail = f"Invalid query parameter value. The 'limit' parameter must be between 1 and {MAX_PAGE}."
        raise ApiError(400, "INVALID_PARAMETER", detail, query="limit")
    if offset % limit:
        detail = "Invalid query parameter value. The 'offset' parameter must be divisible by the 'limit' parameter."
        raise ApiError(400, "INVALID_PARAMETER", detail, query="offset")
    if offset >= MAX_ROWS:
        detail = f"Invalid query parameter value. A query returns at most {MAX_ROWS} results."
        raise ApiError(400, "INVALID_PARAMETER", detail, query="offset")
    return limit, offset


def page_links(request: Request, limit: int, offset: int, total: int, more: bool) -> list[dict[str, str]]:
    def link(rel: str, start: int) -> dict[str, str]:
        return {"rel": rel, "href": str(request.url.include_query_params(limit=limit, offset=start))}

    links = []
    if offset:
        links += [link("first", 0), link("previous", max(0, offset - limit))]
    if more:
        links.append(link("next", offset + limit))
    links += [link("last", (max(total, 1) - 1) // limit * limit), link("self", offset)]
    return links


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdigit():
        detail = f"Invalid query parameter value. The '{name}' parameter must be a whole number."
        raise ApiError(400, "INVALID_PARAMETER", detail, query=name)
    return int(text)


def _read_body(body: bytes) -> tuple[str, list[Any]]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, "INVALID_CONTENT", f"Error while accessing a resource. Invalid JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("q"), str):
        raise ApiError(400, "INVALID_CONTENT", "The request body must be an object with the query in 'q'.", path="q")
    params = content.get("params", [])
    if not isinstance(params, list):
        raise ApiError(400, "INVALID_CONTENT", "'params' must be a list.", path="params")
    return content["q"], params
