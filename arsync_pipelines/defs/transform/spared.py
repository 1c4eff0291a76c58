"""Work that dbt does in every build and that nobody asked for: spared while one runs, a sixth of a small build.

dbt has no switch for either. Both are held to the letter of what dbt does by tests, and dbt is pinned.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def spared() -> Iterator[None]:
    """Inside, dbt builds what it parsed before without these. One build at a time: dbt's own state is global."""
    with _schemas(), _debug_messages():
        yield


@contextmanager
def _schemas() -> Iterator[None]:
    """Project and profile are taken as they are: they were held against dbt's schemas when they were parsed.

    dbt makes these schemas anew in every process, for longer than it builds ten models.
    """
    from dbt_common.dataclass_schema import dbtClassMixin

    held = dbtClassMixin.__dict__["validate"]
    dbtClassMixin.validate = classmethod(lambda _cls, _data: None)  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        dbtClassMixin.validate = held  # type: ignore[method-assign]


@contextmanager
def _debug_messages() -> Iterator[None]:
    """Debug events, two thousand in a build, become messages only when somebody looks into one."""
    from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager

    make: Any = BaseEvent.__init__
    look: Any = BaseEvent.__getattr__

    def make_late(event: Any, *args: Any, **told: Any) -> None:
        if isinstance(event, DebugLevel):
            object.__setattr__(event, "told", (args, told))
        else:
            make(event, *args, **told)

    def make_and_look(event: Any, key: str) -> Any:
        if "told" in vars(event):
            args, told = vars(event).pop("told")
            make(event, *args, **told)
        return event.pb_msg if key == "pb_msg" and "pb_msg" in vars(event) else look(event, key)

    class Quiet(EventManager):
        def fire_event(self, e: Any, level: Any = None, *args: Any, **kwargs: Any) -> None:
            if (level or e.level_tag()) != EventLevel.DEBUG:
                super().fire_event(e, level, *args, **kwargs)

    manager = get_event_manager()
    BaseEvent.__init__, BaseEvent.__getattr__ = make_late, make_and_look  # type: ignore[method-assign, assignment]
    ctx_set_event_manager(Quiet())
    try:
        yield
    finally:
        BaseEvent.__init__, BaseEvent.__getattr__ = make, look  # type: ignore[method-assign]
        ctx_set_event_manager(manager)
