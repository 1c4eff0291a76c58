"""What arsync.toml may say, table by table: names, types, defaults, limits.

Options of one vendor are kept as a plain table here; bootstrap validates them against the vendor's own model.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, model_validator

from arsync_pipelines.domain.secret import SecretRef
from arsync_pipelines.domain.teams import Team

_ADDRESS = r"[^@\s]+@[^@\s]+"

_zones = cache(available_timezones)  # it walks through folders: thirty milliseconds each time


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClockSettings(_Table):
    """`system`: the machine's time. `http`: a sandbox's, read from `url` (JSON with an ISO instant under `now`)."""

    kind: Literal["system", "http"] = "system"
    """Whose time it is."""
    url: str = ""
    """Where the sandbox's clock is read; only with kind "http"."""

    @model_validator(mode="after")
    def _url(self) -> Self:
        if (self.kind == "http") != bool(self.url):
            raise ValueError('clock.url goes with clock.kind = "http"')
        return self


class WarehouseSettings(_Table):
    """The working database and the snapshots published from it."""

    kind: Literal["duckdb"] = "duckdb"
    """The engine."""
    path: Path | None = None
    """The working database; default <state_dir>/warehouse/warehouse.duckdb."""
    snapshots: Path | None = None
    """Folder of published snapshots; default <state_dir>/snapshots."""
    keep: int = Field(default=5, ge=2)
    """Published snapshots to retain."""
    memory_limit: str = "4GB"
    """What the engine may take, in DuckDB's notation."""
    threads: int = Field(default=2, ge=1)
    """Threads of the engine and of dbt."""


def _require_increasing(edges: tuple[int, ...], where: str) -> None:
    if list(edges) != sorted(set(edges)):
        raise ValueError(f"{where} must increase")


class ReportingSettings(_Table):
    """How receivables are shown."""

    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    """Roll-ups over several currencies are shown in this one (ISO 4217)."""
    aging_edges: tuple[int, int, int, int] = (0, 30, 60, 90)
    """Last day past due of each bucket but the last, which is open-ended."""
    aging_basis: Literal["due", "document"] = "due"
    """Days are counted from the due date or from the document date."""
    unapplied_days: int = Field(default=30, ge=0)
    """Days for which a payment on account or a credit may wait for its application before it is a finding."""
    invoice_link: str = ""
    """Link from an invoice record to the ERP; {connection} and {id} are replaced. Empty: no link."""

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _require_increasing(self.aging_edges, "reporting.aging_edges")
        return self


class IngestSettings(_Table):
    """How sources are read."""

    workers: int = Field(default=3, ge=1, le=16)
    """Streams of one connection read at once."""
    batch_rows: int = Field(default=245_760, ge=100)
    """Rows landed and loaded in one transaction."""
    keep_reads: int | None = Field(default=None, ge=1)
    """Landed reads kept on disk per stream; without it all are, which `arsync reload` needs."""


class UrgentSettings(_Table):
    """A change that goes before all others of its connection, and may use the requests kept back for such."""

    field: str = Field(min_length=1)
    """Canonical name of the field whose change is urgent."""
    priority: int = Field(default=100, ge=1, le=1_000_000)
    """Higher goes first."""
    objects: tuple[str, ...] = ()
    """Canonical objects in which it is; without them all that have the field."""


class PushSettings(_Table):
    """How differences are delivered."""

    attempts: int = Field(default=8, ge=1)
    """Deliveries of one intent before it is dead."""
    backoff_s: tuple[float, float] = (0.5, 60.0)
    """First and longest wait between attempts, in seconds."""
    lease_s: float = Field(default=60.0, ge=5)
    """Seconds for which a worker may be silent, beyond the longest wait for an answer, before others take over."""
    urgent: tuple[UrgentSettings, ...] = (UrgentSettings(field="credit_hold"),)
    """Which changes go first. Without any, a credit hold that is set or lifted; `urgent = []` makes all wait alike."""


class DriftSettings(_Table):
    """What is done about what others do to our records in a CRM. Fields that arsync owns are put back in any case."""

    deleted_account: Literal["case", "ignore"] = "case"
    """An account that was deleted while its customer has receivables: a person's case, or nobody's concern. Merged
    accounts are followed to the one that survives."""
    deleted_account_balance: Literal["recreate", "case", "ignore"] = "recreate"
    """A balance record that was deleted: made again, a person's case, or left deleted."""
    deleted_invoice: Literal["recreate", "case", "ignore"] = "recreate"
    """The same of an invoice record."""
    restores: int = Field(default=3, ge=1)
    """How often within `window_hours` a record is put right before a person is asked: what writes over it each time is
    an automation of the CRM."""
    window_hours: int = Field(default=24, ge=1)
    """The time for which repairs of a record are counted."""
    read_back: Literal["hourly", "daily", "never"] = "hourly"
    """How often the CRM is read back by the clock; its changes are noticed by the sensors besides."""


class OpsSettings(_Table):
    """Where the record of what is sent, and of what became of it, is kept."""

    url: SecretRef | None = None
    """Secret reference to postgresql://user:password@host:port/database; without it SQLite under `state_dir`."""


class ArchiveSettings(_Table):
    """When what has ended leaves the operational store for files under `state_dir`; nothing is ever thrown away."""

    days: int = Field(default=400, ge=30)
    """Days for which replaced changes, settled events, closed cases, recovered alerts and sent messages stay in the
    store after they ended. At least thirty: a source may repeat an event, which only the store recognises."""
    audit_days: int = Field(default=800, ge=400)
    """Days for which rows of the audit stay in the store: at least a fiscal year and its close, and not less than
    `days`."""

    @model_validator(mode="after")
    def _audit(self) -> Self:
        if self.audit_days < self.days:
            raise ValueError(
                "archive.audit_days is shorter than archive.days: what a change was would outlive its audit"
            )
        return self


class GatewaySettings(_Table):
    """What `arsync gateway` takes from sources that call us."""

    body_bytes: int = Field(default=1_048_576, ge=10_000, le=100_000_000)
    """Largest body of a delivery."""


class LogSettings(_Table):
    """Log lines on standard error: of the gateway in either form, of commands and Dagster's runs as `json` only."""

    format: Literal["text", "json"] = "text"
    """`json`: one object per line with time, level, message, connection, correlation_id and run_id."""


class LegalEntitySettings(_Table):
    """What the ERP does not say of a legal entity: its time zone and the CRM business unit it belongs to."""

    connection: str
    """The ERP's name under [connections]."""
    id: str
    """The ERP's own id of the legal entity."""
    time_zone: str = "UTC"
    """IANA zone in which its business day ends."""
    crm_business_unit: str = ""
    """Business unit of the CRM that it belongs to."""
    aging_edges: tuple[int, int, int, int] | None = None
    """Its own edges instead of those of [reporting]."""
    aging_basis: Literal["due", "document"] | None = None
    """Its own basis instead of that of [reporting]."""

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _require_increasing(self.aging_edges or (), "legal_entities.aging_edges")
        return self

    @model_validator(mode="after")
    def _zone(self) -> Self:
        if self.time_zone not in _zones():
            raise ValueError(f"time_zone {self.time_zone!r} is not an IANA zone such as Europe/Berlin")
        return self


class EmailSettings(_Table):
    """Mail about alerts, by an SMTP server."""

    host: str
    """The SMTP server."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port: 587 for STARTTLS, 465 for TLS from the start."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted; `none` only without a password."""
    sender: str = Field(pattern=_ADDRESS)
    """Address that the mail comes from."""
    recipients: tuple[str, ...] = Field(min_length=1)
    """Addresses that it goes to."""
    user: str = ""
    """User to log in as; with `password`."""
    password: SecretRef | None = None
    """Secret reference to the password of `user`."""

    @model_validator(mode="after")
    def _login(self) -> Self:
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password go together")
        if self.password is not None and self.security == "none":
            raise ValueError('a password is not sent in clear: security "starttls" or "tls"')
        return self

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        if not all(re.fullmatch(_ADDRESS, address) for address in self.recipients):
            raise ValueError("recipients: every one is an address such as ar-team@example.com")
        return self


class AlertSettings(_Table):
    """Where people are told of failed runs, rejected rows, overdue cases, quotas near their end, stale connections and
    differences in reconciliation; without any channel only the log is."""

    webhook: SecretRef | None = None
    """Secret reference to a URL that gets {source, kind, title, text, run_id, count, worst, recovered, at}."""
    slack: SecretRef | None = None
    """Secret reference to the URL of a Slack incoming webhook, or of what takes the same."""
    email: EmailSettings | None = None
    window_minutes: int = Field(default=15, ge=1)
    """Least time between two messages of one kind: what happens meanwhile goes into the next."""
    repeat_hours: int = Field(default=24, ge=1)
    """After so long what still holds is told again."""
    freshness_hours: int = Field(default=24, ge=1)
    """A stream of the published snapshot that was read longer ago is told of."""
    quota_percent: int = Field(default=80, ge=1, le=100)
    """A quota that is used up so far is told of."""


class FailureSettings(_Table):
    """Another owner or SLA for a failure code than reference/failures.md says; cases that open from then on have it."""

    code: str = Field(min_length=1)
    """The code, as reference/failures.md has it."""
    system: str = ""
    """The vendor whose code it is; empty for arsync's own."""
    owner: Team | None = None
    """The team that acts."""
    sla_hours: int | None = Field(default=None, ge=1, le=8760)
    """Hours from when a case opens until it should be closed."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.owner is None and self.sla_hours is None:
            raise ValueError("failures: say owner or sla_hours")
        return self


class AutomationSettings(_Table):
    """Whether Dagster's sensors and schedules start switched on, and how often sources are asked for news."""

    enabled: bool = False
    """Sensors and the schedules of the night start switched on."""
    poll_seconds: int = Field(default=30, ge=5)
    """How often each source is asked for news."""
    read_again_days: int = Field(default=3, ge=0)
    """So many days are read again every night, for what was committed late; 0 for none."""


class LimitSettings(_Table):
    """How many requests deliveries and reads may send to a connection, all processes together. What the vendor tells,
    Retry-After and its own count of the day's requests, is obeyed besides."""

    requests: int | None = Field(default=None, ge=1)
    """Most requests in any window of `per_s`; without it only the vendor limits."""
    per_s: float = Field(default=60.0, gt=0)
    """Length of that window, in seconds."""
    daily_requests: int | None = Field(default=None, ge=1)
    """Most requests of a day (UTC)."""
    reserve: float = Field(default=0.1, ge=0, lt=1)
    """Share of the day's requests, ours and the vendor's, kept back for urgent work."""
    failures: int = Field(default=5, ge=1)
    """Requests without an answer, or with a failure of the server, after which nobody sends for a while."""
    open_s: float = Field(default=30.0, gt=0)
    """That while, in seconds; then one request is tried, and if it fails the while doubles."""
    longest_open_s: float = Field(default=900.0, gt=0)
    """The longest it gets."""

    @model_validator(mode="after")
    def _longest(self) -> Self:
        if self.longest_open_s < self.open_s:
            raise ValueError("limits.longest_open_s is shorter than limits.open_s")
        return self


class ConnectionSettings(BaseModel):
    """`vendor` picks the connector; everything else is validated by it."""

    model_config = ConfigDict(extra="allow")

    vendor: str
    """Which connector."""
    limits: LimitSettings = LimitSettings()
    """What deliveries to the connection and reads of it may take."""

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Settings(_Table):
    """All of arsync.toml."""

    state_dir: Path = Path(".arsync")
    """Everything generated: warehouse, snapshots, landing files, ops store. Relative to arsync.toml."""
    as_of: date | None = None
    """Compute receivables as of this date instead of today."""
    clock: ClockSettings = ClockSettings()
    warehouse: WarehouseSettings = WarehouseSettings()
    reporting: ReportingSettings = ReportingSettings()
    ingest: IngestSettings = IngestSettings()
    push: PushSettings = PushSettings()
    drift: DriftSettings = DriftSettings()
    ops: OpsSettings = OpsSettings()
    archive: ArchiveSettings = ArchiveSettings()
    gateway: GatewaySettings = GatewaySettings()
    log: LogSettings = LogSettings()
    alerts: AlertSettings = AlertSettings()
    automation: AutomationSettings = AutomationSettings()
    failures: tuple[FailureSettings, ...] = ()
    legal_entities: tuple[LegalEntitySettings, ...] = ()
    connections: dict[str, ConnectionSettings] = Field(default_factory=dict)
    """A table per connection, [connections.<name>]: `vendor` picks the connector, whose own keys stand beside it."""

    @model_validator(mode="after")
    def _references(self) -> Self:
        for entity in self.legal_entities:
            if entity.connection not in self.connections:
                raise ValueError(f"legal_entities: connection {entity.connection!r} is not under [connections]")
        return self

    @property
    def warehouse_path(self) -> Path:
        return self.warehouse.path or self.state_dir / "warehouse" / "warehouse.duckdb"

    @property
    def snapshots_dir(self) -> Path:
        return self.warehouse.snapshots or self.state_dir / "snapshots"

    @property
    def landing_dir(self) -> Path:
        return self.state_dir / "landing"

    @property
    def dagster_home(self) -> Path:
        return self.state_dir / "dagster"

    @property
    def archive_dir(self) -> Path:
        return self.state_dir / "archive"

    @property
    def ops_path(self) -> Path:
        return self.state_dir / "ops" / "ops.sqlite"
