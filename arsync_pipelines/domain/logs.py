"""Log lines for people or for machines, with the ids that lead from a line to the audit. Pure formatting.

Ids come with a record (`extra={"correlation_id": ...}`) or from what the code runs under (`bound`).
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from arsync_pipelines.domain.redaction import redact_text

IDS = ("run_id", "correlation_id", "connection", "stream", "object", "outcome")
"""What a line may carry besides its text."""

_bound: ContextVar[dict[str, str]] = ContextVar("arsync_log_ids", default={})  # noqa: B039 - replaced, never changed


@contextmanager
def bound(**ids: str) -> Iterator[None]:
    """Lines written in the body, by this thread or task, carry these ids."""
    token = _bound.set({**_bound.get(), **ids})
    try:
        yield
    finally:
        _bound.reset(token)


def bound_ids() -> dict[str, str]:
    """The ids that hold here."""
    return dict(_bound.get())


class _Ids(logging.Filter):
    """Notes the ids that hold where the line is written."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in _bound.get().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


def _ids(record: logging.LogRecord) -> dict[str, str]:
    return {name: str(value) for name in IDS if (value := getattr(record, name, ""))}


def _text(record: logging.LogRecord, formatter: logging.Formatter) -> str:
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + formatter.formatException(record.exc_info)
    return redact_text(text)


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        about = {"at": _at(record), "level": record.levelname.lower(), "logger": record.name}
        return json.dumps({**about, "message": _text(record, self), **_ids(record)}, ensure_ascii=False)


class TextLines(logging.Formatter):
    """A line for people, ids at its end."""

    def format(self, record: logging.LogRecord) -> str:
        ids = " ".join(f"{name}={value}" for name, value in _ids(record).items())
        line = f"{_at(record)} {record.levelname.lower():<7} {_text(record, self)}"
        return f"{line} [{ids}]" if ids else line


class _StandardError(logging.Handler):
    """Writes to what is standard error when the line is written, not when this was made."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - as every handler of the standard library: a log line breaks nothing
            self.handleError(record)


def write_lines(form: str, level: int = logging.INFO, logger: str = "arsync_pipelines") -> None:
    """Let the lines of `logger` and below go to standard error as `form` (text, json); a second call replaces it."""
    handler = _StandardError()
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    handler.addFilter(_Ids())
    target = logging.getLogger(logger)
    target.handlers = [handler]
    target.setLevel(level)
    target.propagate = False
