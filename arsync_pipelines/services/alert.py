"""Tells people that something needs them: one JSON post to a hook, and never the reason a run fails twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

import httpx

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alert:
    """`title` says what, `text` why and what to do; `run_id` leads to the run."""

    title: str
    text: str
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Alerts:
    """`hook` reveals the URL at each use; None = alerts are only logged."""

    hook: Callable[[], str] | None

    def send(self, alert: Alert) -> bool:
        """Whether the hook accepted it. A hook that is down is logged; what it should tell stands in the run."""
        log.error("%s: %s (run %s)", alert.title, alert.text, alert.run_id)
        if self.hook is None:
            return False
        try:
            response = httpx.post(self.hook(), json={**asdict(alert), "source": "arsync"}, timeout=10)
            response.raise_for_status()
        except httpx.HTTPError as error:
            log.error("alert hook: %s", type(error).__name__)
            return False
        return True
