"""Pages of the command line: every command with its arguments and options, and what an exit status means."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.cli.reference.markdown import code, table
from arsync_pipelines.cli.reference.markdown import page as make_page
from arsync_pipelines.domain import errors
from arsync_pipelines.domain.errors import ArsyncError


def page() -> str:
    """cli.md"""
    from arsync_pipelines.cli.app import app  # the tree holds the command that asks for this page

    root = typer.main.get_command(app)
    return make_page(
        "Command line",
        "Run as `arsync` inside the environment that `make setup` makes: `.venv/bin/arsync`. "
        "What an exit status means is in [exit-codes.md](exit-codes.md).",
        *_commands(root, "arsync"),
    )


def exit_codes() -> str:
    """exit-codes.md"""
    rows = [("0", "", "Done.")]
    rows += [
        (str(e.exit_code), code(e.__name__), inspect.cleandoc(e.__doc__ or "").split("\n\n")[0])
        for e in _tree(ArsyncError)
    ]
    return make_page(
        "Exit codes and errors",
        "Every error that arsync raises on purpose says what, where and what to do, on standard error and without a "
        "traceback. Those of a kind share the kind's exit code.",
        table(("exit code", "error", "meaning"), rows),
        "A failed check of `arsync doctor` exits with 3, a demo in which not everything held with 1, a wrong command "
        "line with 2.",
        "A job that fails ends its command with the code of the error that failed its step, so a blocked publish exits "
        "with 6. The run with its log is in the Dagster UI under the id shown.",
    )


def _tree(error: type[ArsyncError]) -> Iterator[type[ArsyncError]]:
    if error.__module__ == errors.__name__:
        yield error
    for below in error.__subclasses__():
        yield from _tree(below)


def _commands(command: Any, path: str) -> Iterator[str]:
    """A section per command, those of a group after it. typer brings its own click, whose types it does not export."""
    yield f"## `{path}`"
    yield command.help or ""
    parameters = [p for p in command.params if p.name != "help"]
    if parameters:
        yield table(("argument or option", "default", "meaning"), [_parameter(p) for p in parameters])
    if isinstance(command, TyperGroup):
        for name, below in sorted(command.commands.items()):
            yield from _commands(below, f"{path} {name}")


def _parameter(parameter: Any) -> tuple[str, str, str]:
    is_option = isinstance(parameter, TyperOption)
    names = [*parameter.opts, *parameter.secondary_opts] if is_option else [parameter.name.upper()]
    flag = is_option and parameter.is_flag
    default = "" if flag or parameter.default is None else str(parameter.default).removeprefix(f"{PROJECT_ROOT}/")
    return ", ".join(map(code, names)), "required" if parameter.required else code(default), parameter.help or ""
