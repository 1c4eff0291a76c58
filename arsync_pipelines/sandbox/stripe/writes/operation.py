"""One write of the API: its path, what it accepts, and the call in which it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Missing
from ..events import Events
from ..ids import new_id
from ..params import Check, metadata, strings
from ..store import Store

Body = dict[str, Any]


@dataclass
class Call:
    """A write in progress, inside the store's transaction. `journal` collects (operation, object, key, body)."""

    store: Store
    events: Events
    now: int
    request_id: str
    idempotency_key: str | None
    expand: list[str] = field(default_factory=list)
    journal: list[tuple[str, str, str, Body]] = field(default_factory=list)

    def load(self, kind: str, object_id: str, *, param: str = "id") -> Body:
        """The object to act on; a deleted or unknown one is 404, or 400 when it came as a parameter."""
        body = self.store.get(kind, object_id)
        if body is None or body.get("deleted"):
            raise Missing(kind, object_id, param=param, status=404 if param == "id" else 400)
        return body

    def create(self, body: Body, event: str = "") -> Body:
        return self._write("create", body, event, None)

    def update(self, body: Body, event: str = "", *, before: Body | None = None) -> Body:
        return self._write("update", body, event, before)

    def _write(self, operation: str, body: Body, event: str, before: Body | None) -> Body:
        self.store.put(body)
        self.journal.append((operation, body["object"], body["id"], body))
        if event:
            self.emit(event, body, before=before)
        return body

    def emit(self, event: str, body: Body, *, before: Body | None = None) -> None:
        request = {"id": self.request_id, "idempotency_key": self.idempotency_key}
        self.events.emit(event, body, self.now, before=before, request=request)

    def new_id(self, kind: str) -> str:
        return new_id(kind)


Run = Callable[[Call, tuple[str, ...], Body], Body]


@dataclass(frozen=True)
class Operation:
    """`path` has `*` for ids, e.g. /v1/invoices/*/pay; `run` gets the ids and the checked parameters."""

    method: str
    path: str
    run: Run
    accepts: Mapping[str, Check] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    def parameters(self) -> dict[str, Check]:
        return {"expand": strings, **self.accepts}


def merge_metadata(body: Body, given: Mapping[str, str] | None) -> dict[str, str]:
    """Given keys are set, empty values unset; an empty set of keys unsets all."""
    if given is None:
        return dict(body.get("metadata") or {})
    if not given:
        return {}
    merged = {**(body.get("metadata") or {}), **given}
    return {key: value for key, value in merged.items() if value != ""}


def changed(body: Body, params: Body) -> Body:
    """A copy of the body with the parameters that are its members, metadata merged."""
    result = {**body, **{name: value for name, value in params.items() if name in body and name != "metadata"}}
    result["metadata"] = merge_metadata(body, params.get("metadata"))
    return result


def updating(kind: str, path: str, accepts: Mapping[str, Check], event: str) -> Operation:
    """The plain update of an object's own members, with its event."""

    def run(call: Call, ids: tuple[str, ...], params: Body) -> Body:
        before = call.load(kind, ids[0])
        after = changed(before, params)
        if after == before:
            return call.update(after)
        return call.update(after, event, before=before)

    return Operation("POST", path, run, {"metadata": metadata, **accepts})
