"""The only reader of the environment and of arsync.toml.

`load()` answers validated values or raises ConfigError saying what, where and what to do. Secrets are references;
`reveal` resolves one at the moment of use.
"""

from __future__ import annotations

import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.secret import SecretRef
from arsync_pipelines.settings.tables import (
    AlertSettings,
    ConnectionSettings,
    LimitSettings,
    LogSettings,
    PushSettings,
    Settings,
)

__all__ = [
    "AlertSettings",
    "ConnectionSettings",
    "Environment",
    "LimitSettings",
    "PushSettings",
    "Settings",
    "dagster_postgres_url",
    "explain",
    "failpoints",
    "load",
    "ops_url",
    "reveal",
    "telemetry",
    "telemetry_protocols",
]


class Environment(BaseSettings):
    """What the process environment may say."""

    model_config = SettingsConfigDict(env_prefix="ARSYNC_", extra="ignore")

    config: Path = Path("arsync.toml")
    """Path of arsync.toml."""
    state_dir: Path | None = None
    """Replaces `state_dir` of arsync.toml."""
    as_of: date | None = None
    """Replaces `as_of` of arsync.toml (`arsync sync --as-of` sets it)."""
    failpoints: str = ""
    """For tests only: places where the process shall die, as `name:hit:kill`."""
    dagster_postgres_url: str = Field(default="", repr=False)
    """Database for Dagster's own storage; empty: SQLite under `state_dir`."""
    log_format: Literal["", "text", "json"] = ""
    """Replaces `log.format` of arsync.toml."""
    ops_url: str = Field(default="", repr=False)
    """Postgres database of the operational store, instead of `ops.url` of arsync.toml."""


def load(path: Path | None = None) -> Settings:
    """Read and validate arsync.toml at `path` (default: ARSYNC_CONFIG, else ./arsync.toml).

    A relative `state_dir` is relative to the file. Without a file the defaults hold: no connection, nothing to do.
    Raises ConfigError.
    """
    environment = _environment()
    source = path or environment.config
    explicit = path is not None or "config" in environment.model_fields_set
    if source.is_file():
        try:
            table = tomllib.loads(source.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{source} is not valid TOML: {error}. Correct that place and run again.") from error
    elif explicit:
        raise ConfigError(f"{source} does not exist. Create it with `arsync init` or set ARSYNC_CONFIG to your file.")
    else:
        table = {}
    try:
        settings = Settings.model_validate(table)
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error)}") from error
    home = source.resolve().parent
    if environment.state_dir:
        settings.state_dir = environment.state_dir
    settings.state_dir = (home / settings.state_dir).resolve()
    if environment.as_of:
        settings.as_of = environment.as_of
    if environment.log_format:
        settings.log = LogSettings(format=environment.log_format)
    return settings


def _environment() -> Environment:
    try:
        return Environment()
    except ValidationError as error:
        raise ConfigError(f"environment: {explain(error, prefix='ARSYNC_')}") from error


def explain(error: ValidationError, prefix: str = "") -> str:
    """One line per problem of a validation error: where, what is wrong, never the value (it may be a secret)."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        where = prefix + ".".join(str(part) for part in problem["loc"])
        lines.append(f"{where or 'top level'}: {problem['msg']}")
    return "; ".join(lines)


def reveal(reference: SecretRef) -> str:
    """The secret behind a reference, read now. Raises ConfigError naming the reference, never the value."""
    if reference.env is not None:
        value = os.environ.get(reference.env, "")
        if not value:
            raise ConfigError(f"secret: environment variable {reference.env} is not set or empty")
        return value
    path = reference.file or Path()
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"secret: file {path} cannot be read ({error.strerror})") from error
    if not value:
        raise ConfigError(f"secret: file {path} is empty")
    return value


def failpoints() -> str:
    """Failpoints ordered by a test through ARSYNC_FAILPOINTS; empty in real life."""
    return _environment().failpoints


def ops_url(settings: Settings) -> str:
    """Postgres database of the operational store (ARSYNC_OPS_URL, else `ops.url`); empty = SQLite."""
    if url := _environment().ops_url:
        return url
    return "" if settings.ops.url is None else reveal(settings.ops.url)


def telemetry() -> tuple[bool, bool]:
    """Whether traces and whether metrics are exported: the standard OTEL_* variables name a collector for them.

    All else that those variables say OpenTelemetry reads by itself.
    """
    given = {name: value.strip() for name, value in os.environ.items() if name.startswith("OTEL_")}
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False, False

    def wanted(signal: str) -> bool:
        named = given.get("OTEL_EXPORTER_OTLP_ENDPOINT") or given.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
        return bool(named) and given.get(f"OTEL_{signal}_EXPORTER", "otlp") == "otlp"

    return wanted("TRACES"), wanted("METRICS")


def telemetry_protocols() -> set[str]:
    """Protocols that the OTEL_* variables ask for, "" left out."""
    names = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL")
    return {value for name in names if (value := os.environ.get(name, "").strip())}


def dagster_postgres_url() -> str:
    """Database for Dagster's own storage (ARSYNC_DAGSTER_POSTGRES_URL); empty = SQLite."""
    return _environment().dagster_postgres_url
