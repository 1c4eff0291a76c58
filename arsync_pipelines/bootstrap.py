"""Builds the adapters from settings: the one place where configuration turns into objects. Does no I/O by itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from arsync_pipelines import settings as configuration
from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.connectors.clock import FixedClock, HttpClock, SystemClock
from arsync_pipelines.connectors.registry import CONNECTORS, TAXONOMY
from arsync_pipelines.domain import failpoint, telemetry
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.limits import LimitRules
from arsync_pipelines.domain.logs import write_lines
from arsync_pipelines.domain.secret import SecretRef
from arsync_pipelines.domain.taxonomy import Change, Taxonomy
from arsync_pipelines.domain.urgency import UrgencyRule
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ports.clock import Clock
from arsync_pipelines.ports.sink import Sink
from arsync_pipelines.ports.source import Source, StreamSpec
from arsync_pipelines.ports.webhook import Webhook
from arsync_pipelines.services.alerts import (
    AlertService,
    Channel,
    EmailChannel,
    SlackChannel,
    Thresholds,
    WebhookChannel,
)
from arsync_pipelines.services.cases import CaseService
from arsync_pipelines.services.context import LegalEntity, RunContext
from arsync_pipelines.services.deliver import RetryPolicy
from arsync_pipelines.services.drift import Deleted, DriftPolicy
from arsync_pipelines.services.ingest import IngestService
from arsync_pipelines.services.landing_checks import LandingChecks
from arsync_pipelines.services.limiter import Limits
from arsync_pipelines.services.payload_checks import PayloadChecks
from arsync_pipelines.services.push import PushService
from arsync_pipelines.services.reads import counted
from arsync_pipelines.services.replay import ReplayService
from arsync_pipelines.services.retention import RetentionService
from arsync_pipelines.services.trace import TraceService
from arsync_pipelines.settings import AlertSettings, Settings
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse

if TYPE_CHECKING:
    from arsync_pipelines.telemetry.otel import OtelListener

log = logging.getLogger(__name__)

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured connection: its connector and its validated options."""

    name: str
    connector: Connector
    options: BaseModel


class Platform:
    """Everything a run needs, built on first use. `overrides` replaces settings' choices in tests."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self._clock = clock
        self.connections: Mapping[str, Connection] = _connections(settings)
        self.taxonomy = _taxonomy(settings)
        failpoint.arm(configuration.failpoints())
        self._telemetry = _telemetry()
        if settings.log.format == "json":  # for people, commands and Dagster show what happens in their own ways
            write_lines("json")

    @cached_property
    def clock(self) -> Clock:
        if self._clock:
            return self._clock
        if self.settings.as_of:
            return FixedClock(datetime.combine(self.settings.as_of, time(12), tzinfo=UTC))
        if self.settings.clock.kind == "http":
            return HttpClock(self.settings.clock.url)
        return SystemClock()

    @cached_property
    def warehouse(self) -> DuckDbWarehouse:
        options = self.settings.warehouse
        return DuckDbWarehouse(
            self.settings.warehouse_path,
            self.settings.snapshots_dir,
            keep=options.keep,
            memory_limit=options.memory_limit,
            threads=options.threads,
        )

    @cached_property
    def ops(self) -> OpsStore:
        """The operational store, opened and brought to the newest schema."""
        settings = self.settings
        opened = open_store(settings.ops_path, configuration.ops_url(settings), archive=settings.archive_dir)
        if self._telemetry is not None:
            from arsync_pipelines.telemetry.levels import observe

            observe(self._telemetry, opened, self.warehouse)
        return opened

    @property
    def intents(self) -> IntentStore:
        return self.ops.intents

    @cached_property
    def ingest(self) -> IngestService:
        options = self.settings.ingest
        return IngestService(
            self.warehouse,
            self.settings.landing_dir,
            SystemClock(),
            batch_rows=options.batch_rows,
            workers=options.workers,
            keep_reads=options.keep_reads,
        )

    @cached_property
    def landing_checks(self) -> LandingChecks:
        return LandingChecks(self.warehouse, PROJECT_ROOT / "expectations")

    @cached_property
    def push(self) -> PushService:
        options = self.settings.push
        return PushService(
            self.warehouse,
            self.intents,
            self.settings.state_dir / "locks",
            RetryPolicy(options.attempts, *options.backoff_s, lease_s=options.lease_s),
            PayloadChecks(PROJECT_ROOT / "expectations"),
            self.ops.checkpoints.write,
            self._limits_of,
            [UrgencyRule(rule.field, rule.priority, rule.objects) for rule in options.urgent],
            self.ops.drift,
            self._drift_policy,
        )

    @property
    def _drift_policy(self) -> DriftPolicy:
        options = self.settings.drift
        deleted: dict[str, Deleted] = {
            "account": options.deleted_account,
            "account_balance": options.deleted_account_balance,
            "invoice": options.deleted_invoice,
        }
        return DriftPolicy(deleted, options.restores, timedelta(hours=options.window_hours))

    def _limits_of(self, name: str) -> Limits:
        """What limits the requests to a connection, shared with all other processes through the operational store."""
        given = self.settings.connections[name].limits
        return Limits(self.ops.limits, name, LimitRules(**given.model_dump()))

    @cached_property
    def replay(self) -> ReplayService:
        return ReplayService(self.ops.held, self.settings.state_dir / "locks")

    @cached_property
    def retention(self) -> RetentionService:
        options = self.settings.archive
        return RetentionService(
            self.ops.archive,
            self.ops.checkpoints.write,
            timedelta(days=options.days),
            timedelta(days=options.audit_days),
            self.settings.state_dir / "locks",
        )

    @cached_property
    def cases(self) -> CaseService:
        systems = {c.name: c.connector.vendor for c in self.connections.values()}
        return CaseService(
            self.ops.cases,
            self.warehouse,
            self.taxonomy,
            systems,
            lambda name: self.source(name).streams(),
            self._observed_in,
            self.replay,
            self.ops.drift,
        )

    def _observed_in(self, name: str, object_name: str) -> str:
        """Stream that shows what a connection holds of an object; "" when none does."""
        if self._connection(name).connector.sink is None:
            return ""
        return self.sink(name).capabilities.observed_in.get(object_name, "")

    @cached_property
    def traces(self) -> TraceService:
        records = {
            (c.name, kind): spec
            for c in self.connections.values()
            for kind, stream in c.connector.records.items()
            for spec in c.connector.streams
            if spec.name == stream
        }
        return TraceService(self.warehouse, self.ops.traces, self.ops.inbox, records)

    @cached_property
    def run_context(self) -> RunContext:
        """What dbt must know of this run besides the data: connections, legal entities, policy, as-of dates."""
        now = self.clock.now()
        reporting = self.settings.reporting
        return RunContext(
            connections=[(c.name, c.connector.vendor, c.connector.role) for c in self.connections.values()],
            legal_entities=[
                LegalEntity(
                    connection=e.connection,
                    source_id=e.id,
                    time_zone=e.time_zone,
                    crm_business_unit=e.crm_business_unit,
                    as_of_date=self._as_of(now, e.time_zone),
                    aging_edges=e.aging_edges,
                    aging_basis=e.aging_basis,
                )
                for e in self.settings.legal_entities
            ],
            reporting_currency=reporting.currency,
            as_of_date=self._as_of(now, "UTC"),
            aging_edges=reporting.aging_edges,
            aging_basis=reporting.aging_basis,
            unapplied_days=reporting.unapplied_days,
            invoice_link=reporting.invoice_link,
        )

    def _as_of(self, now: datetime, zone: str) -> date:
        return self.settings.as_of or now.astimezone(ZoneInfo(zone)).date()

    def require_secrets(self, name: str) -> None:
        """Look at every secret of a connection once. Raises ConfigError naming the reference that cannot be read."""
        for reference in _secrets(self._connection(name).options):
            try:
                configuration.reveal(reference)
            except ConfigError as error:
                raise ConfigError(f"connection {name!r}: {error}; set it and run again") from None

    def require_webhook_secrets(self, name: str) -> None:
        """Look at every secret that a connection's deliveries may be signed with. Raises ConfigError."""
        options = getattr(self._connection(name).options, "webhook", None)
        for reference in (ref for _, value in options or () if isinstance(value, tuple) for ref in value):
            try:
                configuration.reveal(reference)
            except ConfigError as error:
                raise ConfigError(f"connection {name!r}, webhook: {error}; its deliveries are not taken") from None

    def source(self, name: str) -> Source:
        """A new source for a connection. Raises ConfigError for an unknown name."""
        connection = self._connection(name)
        return connection.connector.source(name, connection.options, configuration.reveal)

    def counted(self, source: Source) -> AbstractContextManager[None]:
        """Counts what `source` asks in the body against the limits of its connection."""
        given = self.settings.connections[source.connection].limits
        if given.requests is None and given.daily_requests is None:
            return nullcontext()  # the operational store need not be opened for it
        return counted(source, self._limits_of(source.connection))

    def webhook(self, name: str) -> Webhook | None:
        """The receiving end of what a connection posts to us; None where it posts nothing. Raises ConfigError for an
        unknown name."""
        connection = self._connection(name)
        make = connection.connector.webhook
        return make(name, connection.options, configuration.reveal) if make else None

    def sink(self, name: str) -> Sink:
        """A new sink for a connection. Raises ConfigError for an unknown or read-only one."""
        connection = self._connection(name)
        if connection.connector.sink is None:
            raise ConfigError(f"connection {name}: {connection.connector.title} cannot be written to")
        return connection.connector.sink(name, connection.options, configuration.reveal)

    def sinks(self) -> list[Sink]:
        """Sinks of all CRM connections."""
        return [self.sink(c.name) for c in self.connections.values() if c.connector.sink and c.connector.role == "crm"]

    def objects_of(self, connector: Connector) -> tuple[str, ...]:
        """Canonical objects that a CRM vendor can be given, parents first; () when it cannot be written to."""
        if connector.sink is None:
            return ()
        return self.sink(self.of_vendor(connector.vendor)[0].name).capabilities.objects

    @cached_property
    def alerts(self) -> AlertService:
        options = self.settings.alerts
        return AlertService(
            self.ops.alerts,
            self.ops.cases,
            self.warehouse,
            _channels(options),
            tuple(self.connections),
            Thresholds(timedelta(hours=options.freshness_hours), options.quota_percent),
            timedelta(minutes=options.window_minutes),
            timedelta(hours=options.repeat_hours),
        )

    def of_vendor(self, vendor: str) -> list[Connection]:
        return [c for c in self.connections.values() if c.connector.vendor == vendor]

    def _connection(self, name: str) -> Connection:
        try:
            return self.connections[name]
        except KeyError:
            known = ", ".join(sorted(self.connections)) or "none"
            raise ConfigError(f"connection {name!r} is not in arsync.toml; known: {known}") from None


@cache
def _telemetry() -> OtelListener | None:
    """Who exports traces and metrics, once per process; None, and nothing is loaded, where no collector is named."""
    traces, metrics = configuration.telemetry()
    if not traces and not metrics:
        return None
    if (asked := configuration.telemetry_protocols()) - {"http/protobuf"}:
        log.warning("no traces and metrics: arsync speaks OTLP as http/protobuf, not %s", ", ".join(sorted(asked)))
        return None
    from arsync_pipelines.telemetry.otel import OtelListener

    listener = OtelListener(version("arsync"), traces=traces, metrics=metrics)
    telemetry.listen(listener)
    return listener


def _channels(options: AlertSettings) -> list[Channel]:
    """Channels that arsync.toml names; each reveals its secret when it sends."""
    channels: list[Channel] = []
    if options.webhook is not None:
        channels.append(WebhookChannel(partial(configuration.reveal, options.webhook)))
    if options.slack is not None:
        channels.append(SlackChannel(partial(configuration.reveal, options.slack)))
    if (mail := options.email) is not None:
        password = None if mail.password is None else partial(configuration.reveal, mail.password)
        channels.append(
            EmailChannel(mail.host, mail.port, mail.security, mail.sender, mail.recipients, mail.user, password)
        )
    return channels


def _taxonomy(settings: Settings) -> Taxonomy:
    """What failure codes mean, with the owners and SLAs of arsync.toml."""
    try:
        return TAXONOMY.with_changes(Change(**given.model_dump()) for given in settings.failures)
    except ValueError as error:
        raise ConfigError(f"arsync.toml: failures: {error}") from None


def _secrets(options: BaseModel) -> Iterator[SecretRef]:
    """Every secret reference in a connection's options, at any depth."""
    for _, value in options:
        if isinstance(value, SecretRef):
            yield value
        elif isinstance(value, BaseModel):
            yield from _secrets(value)


def all_streams() -> list[StreamSpec]:
    """Streams of every registered connector: their raw tables always exist, so that every staging model builds."""
    return [spec for connector in CONNECTORS.values() for spec in connector.streams]


def dagster_storage() -> tuple[Path, str]:
    """Folder for Dagster's SQLite files, and the Postgres URL that replaces them ("" = none)."""
    return configuration.load().dagster_home, configuration.dagster_postgres_url()


def platform(config: Path | None = None, clock: Clock | None = None) -> Platform:
    """The platform for the arsync.toml at `config` (default: as the environment says). Raises ConfigError."""
    return Platform(configuration.load(config), clock)


def _connections(settings: Settings) -> dict[str, Connection]:
    problems, found = [], {}
    for name, declared in settings.connections.items():
        connector = CONNECTORS.get(declared.vendor)
        if connector is None:
            known = ", ".join(sorted(CONNECTORS))
            problems.append(f"connections.{name}.vendor: {declared.vendor!r} is not a connector; known: {known}")
            continue
        try:
            found[name] = Connection(name, connector, connector.options.model_validate(declared.options))
        except ValidationError as error:
            problems.append(configuration.explain(error, prefix=f"connections.{name}."))
    if problems:
        raise ConfigError("arsync.toml: " + "; ".join(problems))
    return found
