"""Named places where a test can make the process die, stop, raise or hang.

Disarmed, a failpoint costs one comparison.
"""

from __future__ import annotations

import os
import signal
import threading
import time

from arsync_pipelines.domain.errors import ArsyncError

_armed: dict[str, tuple[int, str]] = {}
_hits: dict[str, int] = {}
_lock = threading.Lock()


class FailpointRaised(ArsyncError):
    """The failure a test asked for."""


def arm(spec: str) -> None:
    """Arm from "name:hit:action[,...]"; hit counts from 1; "" disarms all.

    Action is kill (SIGKILL), stop (SIGSTOP: goes on with SIGCONT), raise or hang.
    """
    _armed.clear()
    _hits.clear()
    for part in filter(None, spec.split(",")):
        name, hit, action = part.split(":")
        if action not in {"kill", "stop", "raise", "hang"}:
            raise ValueError(f"failpoint {part!r}: action is kill, stop, raise or hang")
        _armed[name] = (int(hit), action)


def reached() -> bool:
    """Whether a failpoint did what `arm` ordered, or should have."""
    with _lock:
        return any(_hits.get(name, 0) >= hit for name, (hit, _) in _armed.items())


def failpoint(name: str) -> None:
    """Mark a boundary; does what `arm` ordered at the n-th hit."""
    if not _armed or name not in _armed:
        return
    with _lock:
        _hits[name] = _hits.get(name, 0) + 1
        hit, action = _armed[name]
        if _hits[name] != hit:
            return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    if action == "hang":
        time.sleep(3600)
    raise FailpointRaised(f"failpoint {name} hit {hit} times")
