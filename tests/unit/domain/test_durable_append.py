"""Lines appended to a file are whole whatever happened to the line before."""

from __future__ import annotations

from pathlib import Path

import pytest

from arsync_pipelines.domain.durable import append_synced


@pytest.mark.parametrize(("there", "kept"), [(None, b""), (b"one\n", b"one\n"), (b"one\ntw", b"one\n"), (b"on", b"")])
def test_a_line_that_was_cut_short_is_dropped(tmp_path: Path, there: bytes | None, kept: bytes) -> None:
    path = tmp_path / "new" / "lines"
    if there is not None:
        path.parent.mkdir()
        path.write_bytes(there)
    append_synced(path, b"next\n")
    assert path.read_bytes() == kept + b"next\n"
