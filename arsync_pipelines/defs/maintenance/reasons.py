"""Why a step failed, in the words of whoever knew best: Dagster wraps what was raised, and its wrapper says nothing."""

from __future__ import annotations

from typing import Any

from arsync_pipelines.domain.errors import ArsyncError


def reason(failure: Any) -> tuple[str, type[ArsyncError]]:
    """Why a step failed and the class of the reason: our own error where there is one, else the innermost."""
    ours = {kind.__name__: kind for kind in _family(ArsyncError)}
    chain = []
    error = failure.error
    while error is not None:
        chain.append(error)
        error = error.cause
    named = next((e for e in chain if e.cls_name in ours), None)
    kind = ours[named.cls_name] if named else ArsyncError
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return str(failure.user_failure_data.description), kind
    told = named or (chain[-1] if chain else None)
    if told is None:
        return "no reason recorded", kind
    return str(told.message).strip().removeprefix(f"{kind.__module__}.{kind.__qualname__}: "), kind


def _family(kind: type[ArsyncError]) -> list[type[ArsyncError]]:
    return [kind, *(deeper for below in kind.__subclasses__() for deeper in _family(below))]
