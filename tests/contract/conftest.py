"""Companies for connectors to read: every subject is seeded once, and every test that asks gets a copy of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.fixtures.sources import Company

Opened = Callable[[type[Company]], Company]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[type[Company]], Path]:
    @cache
    def folder(subject: type[Company]) -> Path:
        path = tmp_path_factory.mktemp(subject.vendor)
        subject.seed(path)
        return path

    return folder


@pytest.fixture
def opened(seeded: Callable[[type[Company]], Path], tmp_path: Path) -> Iterator[Opened]:
    """Opens a subject's company; it is served until the test ends."""
    with ExitStack() as stack:

        def serve(subject: type[Company]) -> Company:
            copy = shutil.copytree(seeded(subject), tmp_path / subject.vendor)
            made: AbstractContextManager[Company] = subject.open(copy)
            return stack.enter_context(made)

        yield serve
