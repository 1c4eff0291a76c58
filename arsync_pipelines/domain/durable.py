"""Files that must survive a power cut: synced, then made visible by a rename. No business meaning here."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def sync(path: Path) -> None:
    """Force a file's content, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that nobody looks at yet, and force it to the disk."""
    path.write_bytes(content)
    sync(path)


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def point_to(link: Path, target: str) -> None:
    """Make the symbolic link `link` lead to `target`; a reader sees the old target or the new one."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
    sync(link.parent)


def append_synced(path: Path, content: bytes) -> None:
    """Add whole lines to a file and force them to the disk; a last line that a crash cut short is dropped first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)
