"""Page of the taxonomy: what a failure code means, whose it is, how soon it is due and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from arsync_pipelines.cli.reference.markdown import code, table
from arsync_pipelines.cli.reference.markdown import page as make_page
from arsync_pipelines.connectors.registry import CONNECTORS, TAXONOMY
from arsync_pipelines.domain.taxonomy import Failure

_INTRO = """
*Technical* failures are retried by themselves (`transient`), settled by looking (`ambiguous`), or need the set-up
corrected (`permanent`). *Business* failures are never retried blindly: each opens an exception case, which closes by
itself when the data is right. The SLA runs from when the case opens. A code that is not here falls to
`UNKNOWN_TECHNICAL` or `UNKNOWN_BUSINESS`, which say so.
"""


def page() -> str:
    """failures.md"""
    lines = TAXONOMY.lines
    parts = [_INTRO]
    for system, title in [("", "arsync itself"), *((c.vendor, c.title) for c in CONNECTORS.values())]:
        own = [line for line in lines if line.system == system]
        if own:
            parts.append(f"## {title}")
        for heading, technical in (("Technical", True), ("Business", False)):
            chosen = [line for line in own if line.is_technical is technical]
            if chosen:
                parts += [f"### {heading}" + (f" of {title}" if system else ""), _table(chosen)]
    return make_page("Failures", *parts)


def _table(lines: Sequence[Failure]) -> str:
    return table(
        ("code", "class", "what it is", "owner", "SLA", "what to do"),
        [
            (code(f.code), f.failure_class.value, f.title, f.owner.replace("_", " "), f"{f.sla_hours} h", f.advice)
            for f in lines
        ],
    )
