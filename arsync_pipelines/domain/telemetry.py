"""Where code says what it is doing, for traces and metrics: spans and counts, told to whoever listens.

Nobody listens unless `listen` was called, and then a span or a count costs one comparison. What is told carries the ids
of domain.logs; free text goes through domain.redaction; values of records are never told. Pure: who listens stands in
`telemetry/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol

from arsync_pipelines.domain.logs import bound_ids
from arsync_pipelines.domain.redaction import redact_text

Value = str | int | float | bool | Sequence[str]

LISTED = 100
"""Most correlation ids that one span names."""
_TEXT = 500


class Span(Protocol):
    """Something under way."""

    def note(self, **values: Value) -> None:
        """Say more of it."""
        ...

    def about(self, facts: Sequence[str]) -> None:
        """Say which facts it is about: their correlation ids."""
        ...

    def happened(self, name: str, **values: Value) -> None:
        """Say that something happened meanwhile."""
        ...


class Listener(Protocol):
    """Who takes what is told. Never raises."""

    def span(self, name: str, values: Mapping[str, Value]) -> AbstractContextManager[Span]:
        """A span over the body; an error that leaves the body marks it."""
        ...

    def count(self, name: str, number: int, values: Mapping[str, Value]) -> None:
        """So many more of `name`."""
        ...


class _Nothing:
    """A span that nobody sees."""

    def note(self, **values: Value) -> None:
        """Nobody sees it."""

    def about(self, facts: Sequence[str]) -> None:
        """Nobody sees it."""

    def happened(self, name: str, **values: Value) -> None:
        """Nobody sees it."""


_NOTHING = _Nothing()
_open: ContextVar[Span] = ContextVar("arsync_span", default=_NOTHING)
_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Tell `listener` from now on; None: nobody."""
    global _listener  # noqa: PLW0603 - one per process, as a log is
    _listener = listener


def is_on() -> bool:
    """Whether anybody listens."""
    return _listener is not None


@contextmanager
def span(name: str, facts: Sequence[str] = (), **values: Value) -> Iterator[Span]:
    """A span over the body, with the ids that are bound here."""
    if _listener is None:
        yield _NOTHING
        return
    with _listener.span(name, shown({**bound_ids(), **values})) as told:
        if facts:
            told.about(list(dict.fromkeys(facts)))
        before = _open.set(told)
        try:
            yield told
        finally:
            _open.reset(before)


def note(**values: Value) -> None:
    """Say more of the innermost span that is open here."""
    _open.get().note(**values)


def happened(name: str, **values: Value) -> None:
    """Say that something happened in the innermost span that is open here."""
    _open.get().happened(name, **values)


def count(name: str, number: int = 1, **values: Value) -> None:
    """So many more of `name`; nothing for none."""
    if _listener is not None and number:
        _listener.count(name, number, shown(values))


def shown(values: Mapping[str, Value]) -> dict[str, Value]:
    """Values as they may leave: no secrets, card numbers or IBANs, no long texts, nothing empty."""
    found = {name: _plain(value) for name, value in values.items()}
    return {name: value for name, value in found.items() if value not in ("", [])}


def _plain(value: Value) -> Value:
    if isinstance(value, str):
        return redact_text(value)[:_TEXT]
    if isinstance(value, int | float):
        return value
    return [redact_text(str(one))[:_TEXT] for one in value]
