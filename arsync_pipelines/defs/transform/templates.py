"""jinja's code of the project's models, hooks and macros, kept beside the parsed project.

The same text gives the same code in every process; making it takes a fifth of what dbt does in a small build. jinja
keeps code by itself, but not of templates that it is given as text, and dbt gives it nothing else.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import CodeType
from typing import Any

_Known = dict[tuple[str, str], CodeType]


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Inside, dbt's templates are compiled once for all processes that name this folder, which exists.

    Keep a folder for each version of dbt: code does not tell by which it was made. A file that cannot be read is made
    anew; several processes at once lose nothing but time.
    """
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    file = folder / f"templates-{sys.implementation.cache_tag}-jinja-{metadata.version('jinja2')}"
    known = _read(file)
    found = len(known)
    make: Any = MacroFuzzEnvironment.compile

    def look_up(environment: Any, source: Any, *how: Any, **more: Any) -> Any:
        if how or more or not isinstance(source, str):
            return make(environment, source, *how, **more)
        key = (type(environment).__name__, source)
        if key not in known:
            known[key] = make(environment, source)
        return known[key]

    MacroFuzzEnvironment.compile = look_up  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del MacroFuzzEnvironment.compile  # what it inherits counts again
        if len(known) > found:
            _write(file, known)


def _read(file: Path) -> _Known:
    try:
        known: _Known = marshal.loads(file.read_bytes())  # noqa: S302 - as trusted as the models beside it
    except (OSError, ValueError, EOFError, TypeError):
        return {}
    return known


def _write(file: Path, known: _Known) -> None:
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_bytes(marshal.dumps(known))
    fresh.replace(file)
