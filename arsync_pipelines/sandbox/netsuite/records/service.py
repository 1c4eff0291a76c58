"""Dispatch of the record service's requests."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ...core.context import SandboxContext
from ..errors import ApiError
from ..store import Store


class RecordService:
    """Answers /record/v1 and /async/v1 over one account."""

    def __init__(self, store: Store, context: SandboxContext) -> None:
        self._store = store
        self._context = context

    def handle(self, request: Request, body: bytes) -> Response:
        raise ApiError(404, "NONEXISTENT_ID", f"The record type of {request.url.path} does not exist.")

    def handle_job(self, request: Request, body: bytes) -> Response:
        raise ApiError(404, "NONEXISTENT_ID", "The job does not exist.")
