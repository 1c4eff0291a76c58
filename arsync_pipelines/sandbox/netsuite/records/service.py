"""The record service's requests: what a URL, its headers and its body ask for, and the shape of the answer."""

from __future__ import annotations

import re
from typing import Any

import orjson
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from ...core.context import SandboxContext
from ..errors import ERROR_TYPE, ApiError
from ..query_service import MEDIA_TYPE, page_links, page_parameters
from ..store import Store
from .filters import Filter
from .jobs import Jobs, Outcome
from .operations import Operations, Written
from .types import TYPES, record_type

_ROOT = "/services/rest/record/v1"
_JOBS = "/services/rest/async/v1/job"
_SINGULAR = "application/vnd.oracle.resource+json; type=singular"
_MAX_BATCH = 100


class RecordService:
    """Answers /record/v1 and /async/v1 over one account."""

    def __init__(self, store: Store, context: SandboxContext, written: Written = lambda *_: None) -> None:
        self._store = store
        self._context = context
        self._operations = Operations(store, context, written)
        self._jobs = Jobs(store, self._run_task)

    def handle(self, request: Request, body: bytes) -> Response:
        name, _, key = request.path_params["path"].strip("/").partition("/")
        if name == "metadata-catalog":
            return _metadata(key)
        record_type(name)
        content = _content(request, body)
        if "respond-async" in request.headers.get("prefer", "").lower():
            return self._accept(request, name, key, content)
        if "type=collection" in request.headers.get("content-type", ""):
            raise ApiError(400, "INVALID_HEADER", "Batch operations need 'Prefer: respond-async'.", header="Prefer")
        if request.method == "GET" and not key:
            return self._list(request, name)
        task = {
            "method": request.method,
            "type": name,
            "key": key,
            "body": content,
            "strict": request.headers.get("x-netsuite-propertynamevalidation", "warning").lower(),
            "root": f"{request.base_url}".rstrip("/") + _ROOT,
            "request_id": "",
            "replace": request.query_params.get("replace", ""),
            "expand": request.query_params.get("expandSubResources", "").lower() == "true",
        }
        return _answer(self._operations.run(task))

    def handle_job(self, request: Request, _body: bytes) -> Response:
        match = re.fullmatch(r"(\d+)(?:/(task)(?:/(\d+)(?:/(result))?)?)?", request.path_params["path"].strip("/"))
        if match is None:
            raise ApiError(404, "NONEXISTENT_ID", f"{request.url.path} is not a job, a task or a result.")
        url = f"{request.base_url}".rstrip("/") + _JOBS
        job, number = int(match[1]), int(match[3] or 0)
        if match[4]:
            task = self._jobs.task(job, number)
            if "status" not in task:
                raise ApiError(404, "NONEXISTENT_ID", f"Task {number} of job {job} has no result yet.")
            return _answer((task["status"], task["headers"], task["result"]))
        if number:
            shown = self._jobs.show_task(job, number, url)
        else:
            shown = self._jobs.list_tasks(job, url) if match[2] else self._jobs.show(job, url)
        # a job left over by a killed process goes on when somebody asks for it
        unfinished = not shown.get("completed", True)
        response = Response(orjson.dumps(shown), media_type=_SINGULAR)
        response.background = BackgroundTask(self._jobs.work, job) if unfinished else None
        return response

    def _accept(self, request: Request, name: str, key: str, content: Any) -> Response:
        base: dict[str, Any] = {
            "type": name,
            "method": request.method,
            "strict": request.headers.get("x-netsuite-propertynamevalidation", "warning").lower(),
            "root": f"{request.base_url}".rstrip("/") + _ROOT,
            "request_id": request.headers.get("x-netsuite-idempotency-key", ""),
            "replace": "",
            "expand": False,
        }
        targets = _targets(request, key, content)
        url = f"{request.base_url}".rstrip("/") + _JOBS
        job = self._jobs.submit([{**base, **target} for target in targets], base["request_id"], url)
        headers = {"Location": f"{url}/{job}", "Preference-Applied": "respond-async"}
        return Response(b"", 202, headers, background=BackgroundTask(self._jobs.work, job))

    def _run_task(self, task: dict[str, Any]) -> Outcome:
        try:
            return self._operations.run(task)
        except ApiError as error:
            return error.status, {"Content-Type": ERROR_TYPE, **error.headers}, error.body()

    def _list(self, request: Request, name: str) -> Response:
        record = record_type(name)
        limit, offset = page_parameters(request)
        where, binds = ("type = ?", [record.type]) if record.type else ("1", [])
        if text := request.query_params.get("q"):
            condition = Filter(text, record.fields, self._store.time)
            where += f" and {condition.sql()}"
            binds += condition.binds
        with self._store.lock:
            db = self._store.db
            total = db.execute(f'select count(*) from "{record.table}" where {where}', binds).fetchone()[0]
            query = f'select id from "{record.table}" where {where} order by id limit ? offset ?'
            ids = [row[0] for row in db.execute(query, (*binds, limit, offset))]
        root = f"{request.base_url}".rstrip("/") + _ROOT
        items = [{"links": [{"rel": "self", "href": f"{root}/{name}/{i}"}], "id": str(i)} for i in ids]
        more = offset + len(items) < total
        links = page_links(request, limit, offset, total, more)
        body = {
            "links": links,
            "count": len(items),
            "hasMore": more,
            "items": items,
            "offset": offset,
            "totalResults": total,
        }
        return Response(orjson.dumps(body), media_type=MEDIA_TYPE)


def _content(request: Request, body: bytes) -> Any:
    if not body or request.method in {"GET", "DELETE"}:
        return {}
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        detail = f"Error while accessing a resource. Invalid JSON: {error}"
        raise ApiError(400, "INVALID_CONTENT", detail) from error
    if not isinstance(content, dict):
        raise ApiError(400, "INVALID_CONTENT", "Error while accessing a resource. The request body must be an object.")
    return content


def _targets(request: Request, key: str, content: Any) -> list[dict[str, Any]]:
    """(key, body) of every task: one for a single record, one per item of a batch."""
    if "type=collection" not in request.headers.get("content-type", ""):
        return [{"key": key, "body": content}]
    if request.method in {"GET", "DELETE"}:
        keys = [part for part in request.query_params.get("ids", "").split(",") if part]
        targets = [{"key": part, "body": {}} for part in keys]
    else:
        items = content.get("items") if isinstance(content, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ApiError(400, "INVALID_CONTENT", "A batch needs a list of records.", path="items")
        targets = [{"key": _item_key(request.method, item), "body": item} for item in items]
    if not 1 <= len(targets) <= _MAX_BATCH:
        raise ApiError(400, "INVALID_REQUEST", f"A batch holds 1 to {_MAX_BATCH} records, this one {len(targets)}.")
    return targets


def _item_key(method: str, item: dict[str, Any]) -> str:
    if method == "POST":
        return ""
    if method == "PATCH" and "id" in item:
        return str(item["id"])
    return f"eid:{item.get('externalId', '')}"


def _answer(outcome: Outcome) -> Response:
    status, headers, body = outcome
    if body is None:
        return Response(b"", status, headers)
    return Response(orjson.dumps(body), status, headers, media_type=headers.get("Content-Type", _SINGULAR))


def _metadata(name: str) -> Response:
    """JSON schema of one record type, or the list of types."""
    if not name:
        items = [
            {"name": known, "links": [{"rel": "canonical", "href": f"{_ROOT}/metadata-catalog/{known}"}]}
            for known in TYPES
        ]
        return Response(orjson.dumps({"items": items}), media_type="application/json")
    types = {"bool": "boolean", "money": "number", "rate": "number", "ref": "object", "choice": "object"}
    properties = {key: {"type": types.get(field.kind, "string")} for key, field in record_type(name).fields.items()}
    schema = {"$schema": "http://json-schema.org/draft-06/hyper-schema#", "type": "object", "properties": properties}
    return Response(orjson.dumps(schema), media_type="application/schema+json")
