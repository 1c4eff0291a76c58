"""One API call and its answer, free of any web framework, so that composite can make calls of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.records import Actor


@dataclass(slots=True)
class Call:
    """`path` is what follows /services/data/vNN.0, without a slash at its end. Header names are lower case."""

    method: str
    path: str
    version: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    user_id: str = ""
    data: Any = None  # an already parsed body (composite)

    @property
    def api(self) -> float:
        """The version as a number."""
        return float(self.version[1:])

    def json(self) -> Any:
        """The parsed body. Raises JSON_PARSER_ERROR."""
        if self.data is not None:
            return self.data
        kind = self.headers.get("content-type", "application/json").partition(";")[0].strip()
        if kind not in ("application/json", ""):
            raise SalesforceError(
                415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type header specified in HTTP request is not supported: {kind}"
            )
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise SalesforceError(400, "JSON_PARSER_ERROR", f"Unexpected character at {error}") from None

    def object(self) -> dict[str, Any]:
        """The parsed body, which must be a JSON object."""
        found = self.json()
        if not isinstance(found, dict):
            raise SalesforceError(
                400, "JSON_PARSER_ERROR", "The HTTP entity body is required and must be a JSON object"
            )
        return found

    def flag(self, name: str) -> bool:
        """A true/false query parameter, false when absent."""
        return self.params.get(name, "false").lower() == "true"

    def actor(self, door: str = "rest", *, alone: bool = False) -> Actor:
        """Who this call writes as."""
        options = self.headers.get("sforce-call-options", "")
        client = next((part.strip()[7:] for part in options.split(",") if part.strip().startswith("client=")), "")
        origin = f"com/salesforce/api/{door}/{self.api}" + (f";client={client}" if client else "")
        return Actor(self.user_id, origin, self.method, f"/services/data/{self.version}/{self.path}", alone)

    @property
    def request_id(self) -> str:
        """The caller's correlation id, if it sent one."""
        return self.headers.get("x-request-id") or self.headers.get("x-correlation-id") or ""


@dataclass(slots=True)
class Reply:
    """`body` is JSON data, or ready bytes with their media type; None means an empty body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json;charset=UTF-8"

    def content(self) -> bytes:
        """The bytes on the wire."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)
