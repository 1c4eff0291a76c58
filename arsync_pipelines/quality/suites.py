"""Reads the suites of expectations/: landing/<system>/<stream>.json and payload/<system>/<object>.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from arsync_pipelines.domain.errors import ConfigError

Border = Literal["landing", "payload"]


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite: expectations as GX writes them ({type, kwargs, severity})."""

    name: str
    notes: str
    expectations: Sequence[Mapping[str, Any]]

    @property
    def columns(self) -> list[str]:
        """Columns that the expectations look at, in order, without repeats."""
        named = (e["kwargs"].get("column") for e in self.expectations)
        return list(dict.fromkeys(c for c in named if c))


def find(root: Path, border: Border, system: str, name: str) -> Suite | None:
    """The suite of a stream or payload, None where there is none. Raises ConfigError when its file is malformed."""
    path = root / border / system / f"{name}.json"
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Suite(document["name"], document["meta"]["notes"], document["expectations"])
    except (json.JSONDecodeError, KeyError) as error:
        raise ConfigError(
            f"expectation suite {path}: {error!r}. It must have name, meta.notes and expectations."
        ) from error
