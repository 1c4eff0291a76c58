"""A reference to a secret: where it is, never what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator


class SecretRef(BaseModel):
    """`{ env = "NAME" }` or `{ file = "path" }` in arsync.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> SecretRef:
        if (self.env is None) == (self.file is None):
            raise ValueError('a secret is { env = "NAME" } or { file = "path" }, never the value itself')
        return self


Reveal = Callable[[SecretRef], str]
"""Resolves a reference at the moment of use, so that a rotated secret is picked up at the next token refresh."""
