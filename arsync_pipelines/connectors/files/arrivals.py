"""Which files are news: a file is known by its path, size, time and content, and known files are in the cursor.

    full extracts   only the newest that arrived counts; it replaces what was applied before
    deltas          all that arrived, oldest first

The cursor also holds a fingerprint of the mapping: another mapping reads everything again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arsync_pipelines.domain.errors import SourceUnreachable
from arsync_pipelines.ports.source import Cursor

_TEMPORARY = (".tmp", ".part", ".partial", ".crdownload", ".filepart")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file as it stands: `name` is its path below the folder."""

    path: Path
    name: str
    size: int
    mtime_ns: int
    sha256: str = ""

    @property
    def arrived_at(self) -> datetime:
        return datetime.fromtimestamp(self.mtime_ns / 1e9, UTC)

    def still_the_same(self) -> bool:
        try:
            stat = self.path.stat()
        except OSError:
            return False
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.mtime_ns)


def matching(folder: Path, pattern: str) -> list[Arrival]:
    """Files of the pattern, oldest first; hidden and unfinished ones left out. Raises SourceUnreachable."""
    if not folder.is_dir():
        raise SourceUnreachable(f"folder {folder} is not there or not a folder; create it or correct `folder`")
    found = []
    try:
        for path in folder.glob(pattern):
            name = path.relative_to(folder).as_posix()
            if path.name.startswith((".", "~")) or path.suffix.lower() in _TEMPORARY or not path.is_file():
                continue
            stat = path.stat()
            found.append(Arrival(path, name, stat.st_size, stat.st_mtime_ns))
    except OSError as error:
        raise SourceUnreachable(f"folder {folder} cannot be read: {error}; give the process permission") from error
    return sorted(found, key=lambda arrival: (arrival.mtime_ns, arrival.name))


def hashed(arrival: Arrival) -> Arrival:
    """With the hash of its content. Raises SourceUnreachable."""
    try:
        with arrival.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceUnreachable(f"{arrival.path} cannot be read: {error}") from error
    return Arrival(arrival.path, arrival.name, arrival.size, arrival.mtime_ns, digest)


class Progress:
    """The cursor of one stream: {"mapping", "applied", "files": {name: [size, mtime_ns, sha256]}}."""

    def __init__(self, cursor: Cursor | None, mapping: str) -> None:
        known = dict(cursor or {})
        same = known.get("mapping") == mapping
        self._mapping = mapping
        self._applied: str = known.get("applied", "") if same else ""
        self._files: dict[str, list[Any]] = dict(known.get("files", {})) if same else {}

    def cursor(self) -> Cursor:
        return {"mapping": self._mapping, "applied": self._applied, "files": dict(self._files)}

    def news(self, arrivals: Iterable[Arrival], *, full: bool) -> list[Arrival]:
        """Files not yet read, oldest first, hashed. A known file that was only touched, moved or copied is none."""
        contents = {self._applied} if full else {entry[2] for entry in self._files.values()}
        found = []
        for arrival in arrivals:
            entry = self._files.get(arrival.name)
            if entry and entry[:2] == [arrival.size, arrival.mtime_ns]:
                continue
            candidate = hashed(arrival)
            if (entry and entry[2] == candidate.sha256) or candidate.sha256 in contents:
                continue
            found.append(candidate)
        return found

    def applied(self, arrivals: Iterable[Arrival], newest: Arrival) -> None:
        """Note that `newest` was read, and `arrivals` with it: read too, or overtaken."""
        for arrival in arrivals:
            self._files[arrival.name] = [arrival.size, arrival.mtime_ns, arrival.sha256]
        self._applied = newest.sha256
