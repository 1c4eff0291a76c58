"""What arsync.toml may say about a Tryton connection."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from arsync_pipelines.domain.secret import SecretRef


class TrytonOptions(BaseModel):
    """One company of one Tryton database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(pattern=r"^https?://")
    """Address of the server, e.g. https://tryton.example.com; without the database."""
    database: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    """Name of the database."""
    user: str = Field(min_length=1)
    """Login of a user of arsync's own, with access to party, account, invoice and dunning."""
    password: SecretRef
    """Of that user."""
    company: int | None = Field(default=None, ge=1)
    """Id of the company to read; default: the one of the user's preferences."""
    dunning: bool = True
    """Whether the module account_dunning is active; false leaves its streams out."""
    concurrency: int = Field(default=4, ge=1, le=32)
    """Requests at once; the server answers as many as it has threads."""
    overlap_minutes: int = Field(default=15, ge=1, le=24 * 60)
    """Re-read on every run; longer than the longest transaction (a mass posting, an import)."""
    page_rows: int = Field(default=1000, ge=1, le=10_000)
    """Rows of one request; lower it when requests run into the server's time limit."""
    external_identifier_prefix: str = "arsync:"
    """How arsync marks the party identifier that carries its own key; the type of the identifier stays empty."""

    @property
    def url(self) -> str:
        """The server's address without a trailing slash."""
        return self.base_url.rstrip("/")
