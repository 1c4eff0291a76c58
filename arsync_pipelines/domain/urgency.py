"""Which changes go before others: data, so that a house decides it without touching code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class UrgencyRule:
    """A change of `field` (canonical) has `priority`, in the objects named; (): in all that have the field."""

    field: str
    priority: int
    objects: tuple[str, ...] = ()

    def applies(self, object_name: str, changes: Mapping[str, tuple[Any, Any]]) -> bool:
        """Whether the field was set, lifted or altered; that a new record has it not is no news."""
        if self.objects and object_name not in self.objects:
            return False
        return any(changes.get(self.field, ()))


CREDIT_HOLD = UrgencyRule("credit_hold", 100)
"""Whoever takes an order must know of a hold, and of its end, before anything else."""


def priority_of(rules: Sequence[UrgencyRule], object_name: str, changes: Mapping[str, tuple[Any, Any]]) -> int:
    """The highest priority of a change, 0 when no rule applies. `changes`: field -> (before, after)."""
    return max((rule.priority for rule in rules if rule.applies(object_name, changes)), default=0)
