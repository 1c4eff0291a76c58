"""POST /composite: up to 25 calls in one, later ones refer to earlier results as @{reference.field}."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply

LIMIT = 25
QUERY_LIMIT = 5
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_NAME = re.compile(r"\w+", re.ASCII)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_URL = re.compile(r"/services/data/(v\d+\.\d)/(.+)")
_HALTED = [
    {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
]

Dispatch = Callable[[Org, Call], Reply]


class _RolledBack(Exception):
    """Leaves the transaction of an all-or-none composite that had a failure."""


def run(org: Org, call: Call, dispatch: Dispatch) -> Reply:
    """Run the parts in order in one transaction."""
    body = call.object()
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not parts:
        raise SalesforceError(400, "JSON_PARSER_ERROR", "compositeRequest must be a non-empty array")
    _check(parts)
    all_or_none = bool(body.get("allOrNone", False))
    results: list[dict[str, Any]] = []
    with org.store.transaction() as at:
        at.request_id = call.request_id or at.request_id
        try:
            with org.store.savepoint(at):
                done: dict[str, Any] = {}
                for part in parts:
                    results.append(_part(org, call, part, done, dispatch))
                    if results[-1]["httpStatusCode"] >= 300 and all_or_none:
                        raise _RolledBack
        except _RolledBack:
            failed = results[-1]
            results = [
                failed if part["referenceId"] == failed["referenceId"] else _result(part, 400, _HALTED)
                for part in parts
            ]
    return Reply(200, {"compositeResponse": results})


def _check(parts: list[Any]) -> None:
    if len(parts) > LIMIT:
        raise SalesforceError(
            400, "LIMIT_EXCEEDED", f"The request can't contain more than {LIMIT} subrequests. It contains {len(parts)}."
        )
    names: set[str] = set()
    queries = 0
    for part in parts:
        name = part.get("referenceId") if isinstance(part, dict) else None
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise SalesforceError(
                400, "INVALID_INPUT", "Provided referenceId must only contain letters, numbers and underscores"
            )
        if name in names:
            raise SalesforceError(400, "INVALID_INPUT", f"Duplicate referenceId {name}")
        names.add(name)
        queries += bool(re.search(r"/(query|queryAll|composite/sobjects)\b", str(part.get("url"))))
    if queries > QUERY_LIMIT:
        raise SalesforceError(
            400, "LIMIT_EXCEEDED", f"The request can't contain more than {QUERY_LIMIT} query or collection subrequests."
        )


def _result(part: dict[str, Any], status: int, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    return {"body": body, "httpHeaders": headers or {}, "httpStatusCode": status, "referenceId": part["referenceId"]}


def _part(org: Org, call: Call, part: dict[str, Any], done: dict[str, Any], dispatch: Dispatch) -> dict[str, Any]:
    try:
        url = str(_fill(part.get("url", ""), done))
        found = _URL.fullmatch(url)
        if not found or found[2].partition("?")[0].strip("/") == "composite":
            raise SalesforceError(400, "INVALID_INPUT", f"subrequest url is not allowed: {url}")
        split = urlsplit(found[2])
        own = {name.lower(): str(value) for name, value in (part.get("httpHeaders") or {}).items()}
        inner = Call(
            str(part.get("method", "GET")).upper(),
            unquote(split.path).strip("/"),
            found[1],
            dict(parse_qsl(split.query)),
            {**{k: v for k, v in call.headers.items() if k.startswith("sforce-")}, **own},
            user_id=call.user_id,
            data=_fill(part.get("body"), done),
        )
        with org.store.transaction() as at, org.store.savepoint(at):
            reply = dispatch(org, inner)
    except SalesforceError as error:
        return _result(part, error.status, error.body())
    done[part["referenceId"]] = reply.body
    return _result(part, reply.status, reply.body, reply.headers)


def _fill(value: Any, done: dict[str, Any]) -> Any:
    """Replace references, everywhere in a body or URL."""
    if isinstance(value, dict):
        return {name: _fill(one, done) for name, one in value.items()}
    if isinstance(value, list):
        return [_fill(one, done) for one in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _look_up(whole, done)
    return _REFERENCE.sub(lambda found: str(_look_up(found, done)), value)


def _look_up(found: re.Match[str], done: dict[str, Any]) -> Any:
    node: Any = done.get(found[1])
    for step in _STEP.finditer(found[2]):
        name, place = step.groups()
        if name is not None and isinstance(node, dict) and name in node:
            node = node[name]
        elif place is not None and isinstance(node, list) and int(place) < len(node):
            node = node[int(place)]
        else:
            node = None
            break
    if node is None:
        raise SalesforceError(
            400, "PROCESSING_HALTED", f"Invalid reference specified. No value for {found[0][2:-1]} found"
        )
    return node
