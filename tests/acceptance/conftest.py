"""One synced installation per module: the sandbox's company, read, built, published and pushed once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.acceptance import Scene, installation


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Configured and prepared; nothing read yet."""
    with installation(tmp_path_factory.mktemp("company") / "installation") as scene:
        yield scene
