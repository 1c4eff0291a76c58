"""Runs begin in a process that has everything imported, instead of in one that imports for seconds.

Dagster's code server starts a process per run, a fresh interpreter each. Here the interpreter is a fork of one that the
code server keeps beside it: it has imported what a run needs, and opened nothing. Every other process is left alone.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import sys
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess

_SERVER = "dagster._grpc.server"
_NEEDED = (
    "dagster_dbt",
    "dbt.cli.main",
    "dbt.task.build",
    "dbt.adapters.duckdb",
    "duckdb",
    "pyarrow",
    "arsync_pipelines.quality.validate",
    "great_expectations",
    "arsync_pipelines.definitions",
)
"""Imported once, in this order; what is missing or refuses is left to the run that needs it."""


def warm_runs(preload: str = f"{__name__}_imports") -> bool:
    """In a code server let runs be forks from now on; whether this process is one. Called when definitions are loaded.

    `preload`: the module that the process imports which runs are forked from.
    """
    is_server = {"api", "grpc"} <= set(sys.argv) and _SERVER in sys.modules
    if not is_server or multiprocessing.parent_process() is not None:
        return False
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([preload])
    forkserver.ensure_running()  # begins to import at once, beside what the server does
    # the server took this context, of which there is one in a process, before it loaded us
    multiprocessing.get_context("spawn").Process = ForkServerProcess  # type: ignore[misc, assignment]
    return True


def import_all() -> list[str]:
    """Import what runs need; names of what could not be."""
    refused = []
    for name in _NEEDED:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 - whatever it is, the run meets it too, and tells it
            refused.append(name)
    gc.freeze()  # it all lives as long as the process, and a fork that looked through it would copy its pages
    return refused
