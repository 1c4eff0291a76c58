"""Real processes by the hundred: forked from one that has imported everything already, so that a start costs little.

    with nursery() as start:
        child = start({"folder": ..., "failpoints": "push.written:1:kill"})
        child.ended(60)   # exit status, -9 when it was killed

What a child does is deliverer.work. Nothing is forked from the caller, whatever threads it has.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.domain.errors import ArsyncError

Task = Mapping[str, Any]


@dataclass
class Child:
    """A process; `seconds` that it took, once it has ended."""

    pid: int = 0
    status: int | None = None
    seconds: float = 0.0
    _born: threading.Event = field(default_factory=threading.Event)
    _gone: threading.Event = field(default_factory=threading.Event)

    def ended(self, timeout_s: float) -> int | None:
        """Its exit status, negative for a signal; None when it goes on."""
        self._gone.wait(timeout_s)
        return self.status

    def stopped(self, timeout_s: float) -> bool:
        """Whether it was stopped by a signal, or ended, within the time; True when it stands still."""
        ends = time.monotonic() + timeout_s
        while time.monotonic() < ends and not self._gone.is_set():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "T":
                    return True
            time.sleep(0.01)
        return False

    def signal(self, number: int) -> None:
        """Send a signal, if it still lives."""
        if not self._gone.is_set():
            os.kill(self.pid, number)


class Nursery:
    """Speaks with the process that forks. Children are started from any thread."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._children: dict[int, Child] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def __call__(self, task: Task) -> Child:
        child = Child()
        with self._lock:
            number = len(self._children)
            self._children[number] = child
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({**task, "number": number}) + "\n")
            self._process.stdin.flush()
        assert child._born.wait(60), "the nursery does not answer"
        return child

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            child = self._children[told["number"]]
            if "pid" in told:
                child.pid = told["pid"]
                child._born.set()
            else:
                child.status, child.seconds = told["status"], told["seconds"]
                child._gone.set()


@contextlib.contextmanager
def nursery() -> Iterator[Callable[[Task], Child]]:
    """Starts children until the body ends."""
    command = [sys.executable, "-m", "tests.integration.faults.nursery"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Nursery(process)
        finally:
            process.terminate()


def main() -> None:
    """Reads tasks, forks, tells what became of them."""
    from tests.integration.faults import deliverer

    running: dict[int, tuple[int, float]] = {}
    buffer = b""
    while True:
        if select.select([0], [], [], 0.005 if running else None)[0]:
            read = os.read(0, 65536)
            if not read:
                return
            *lines, buffer = (buffer + read).split(b"\n")
            for line in lines:
                task = json.loads(line)
                pid = os.fork()
                if not pid:
                    _live(deliverer.work, task)
                running[pid] = (task["number"], time.monotonic())
                _tell({"number": task["number"], "pid": pid})
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            number, began = running.pop(pid)
            seconds = time.monotonic() - began
            _tell({"number": number, "status": os.waitstatus_to_exitcode(status), "seconds": seconds})


def _live(work: Callable[[Task], None], task: Task) -> None:
    """In the child, which ends here."""
    status = 1
    try:
        os.dup2(2, 1)  # what a child says is not for the caller
        work(task)
        status = 0
    except ArsyncError as error:  # a lease that was lost, say: its status tells
        sys.stderr.write(f"process {os.getpid()}: {type(error).__name__}\n")
    except BaseException:  # noqa: BLE001 - the end of a process
        traceback.print_exc(limit=-1)
    finally:
        sys.stderr.flush()
        os._exit(status)


def _tell(what: Mapping[str, Any]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()
