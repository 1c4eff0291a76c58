"""`python -m arsync_pipelines.sandbox`: the sandbox without the rest of arsync."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import remote
from .app import VENDORS, Options
from .core.errors import SandboxError
from .core.world.generator import Size
from .runner import run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m arsync_pipelines.sandbox", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=Path(".arsync/sandbox"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--invoices", type=int, default=20_000)
    parser.add_argument("--months", type=int, default=18)
    parser.add_argument("--live", type=float, metavar="RATE", help="virtual seconds per real second, with business")
    parser.add_argument("--base-port", type=int, default=0, help="control port; the vendors follow (0: free ports)")
    parser.add_argument("--port", action="append", default=[], metavar="NAME=PORT", help="a single port, repeatable")
    parser.add_argument("--vendor", action="append", dest="vendors", help=f"repeatable; default {', '.join(VENDORS)}")
    parser.add_argument("--fresh", action="store_true", help="throw away the world that is there")
    commands = parser.add_subparsers(dest="command")
    advance = commands.add_parser("advance", help="let days pass in the running sandbox")
    advance.add_argument("--days", type=int, default=1)
    return parser


def _size(given: argparse.Namespace) -> Size:
    try:
        return Size(given.seed, given.customers, given.invoices, given.months)
    except ValueError as error:
        raise SandboxError(str(error)) from error


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        if given.command == "advance":
            sys.stdout.write(json.dumps(remote.advance(given.state_dir, given.days)) + "\n")
            return 0
        size = _size(given)
        vendors = tuple(given.vendors or VENDORS)
        ports = {name: int(port) for name, _, port in (text.partition("=") for text in given.port)}
        run(Options(given.state_dir, size, vendors, given.base_port, ports, given.live, given.fresh))
    except SandboxError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
