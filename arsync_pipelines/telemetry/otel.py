"""Spans and counts to a collector, by OTLP over HTTP. Where to, how often and how much is said by the standard OTEL_*
variables, which OpenTelemetry reads itself; the providers are our own and never made the process's global ones.

A correlation id is a UUID, and a UUID is as long as a trace id: a span links to each fact that it is about as to the
trace of that number, so that a collector finds by a fact's id all spans about it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from arsync_pipelines.domain.redaction import redact_text
from arsync_pipelines.domain.telemetry import LISTED, Value, shown

log = logging.getLogger(__name__)

SCOPE = "arsync"
Level = tuple[float, Mapping[str, Value]]
Levels = Callable[[], Iterable[Level]]
"""Answers what is measured now: a number and what it is of."""

COUNTERS = {
    "rows.ingested": "Versions of records that reached raw.",
    "attempts": "Attempts at changes of a target, by outcome.",
    "events.received": "Deliveries of events to the gateway, by outcome.",
}
"""Counters, by name without `arsync.`."""


class OtelListener:
    """Implements domain.telemetry.Listener. `traces` and `metrics`: whether each is exported."""

    def __init__(self, version: str, *, traces: bool = True, metrics: bool = True) -> None:
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over what is said here
        resource = Resource({"service.name": SCOPE, "service.version": version}).merge(Resource.create())
        if resource.attributes.get("service.name", "").__str__().startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": SCOPE}))
        instance = Resource({"service.instance.id": str(uuid.uuid4())})
        self._traces = TracerProvider(resource=instance.merge(resource)) if traces else None
        if self._traces is not None:
            self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = None if self._traces is None else self._traces.get_tracer(SCOPE, version)
        readers = [PeriodicExportingMetricReader(OTLPMetricExporter())] if metrics else []
        self._metrics = MeterProvider(metric_readers=readers, resource=instance.merge(resource)) if metrics else None
        self._meter = None if self._metrics is None else self._metrics.get_meter(SCOPE, version)
        self._counters = {
            name: self._meter.create_counter(f"arsync.{name}", description=text) for name, text in COUNTERS.items()
        } if self._meter is not None else {}  # fmt: skip

    @contextmanager
    def span(self, name: str, values: Mapping[str, Value]) -> Iterator[_Span]:
        """See domain.telemetry.Listener."""
        if self._tracer is None:
            yield _Span(None)
            return
        attributes = {f"arsync.{key}": value for key, value in values.items()}
        with self._tracer.start_as_current_span(
            f"arsync.{name}", attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as made:
            try:
                yield _Span(made)
            except BaseException as error:
                made.set_attribute("error.type", type(error).__name__)
                made.set_status(Status(StatusCode.ERROR, redact_text(str(error))[:500]))
                raise

    def count(self, name: str, number: int, values: Mapping[str, Value]) -> None:
        """See domain.telemetry.Listener."""
        if self._counters:
            self._counters[name].add(number, dict(values))

    def observe(self, name: str, text: str, levels: Levels, unit: str = "") -> None:
        """Ask `levels` whenever metrics are exported. What it raises is logged, and nothing is told then."""
        if self._meter is None:
            return

        def ask(_options: CallbackOptions) -> Iterable[Observation]:
            try:
                return [Observation(number, shown(values)) for number, values in levels()]
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end what is being observed
                log.debug("%s is not measured: %s", name, error)
                return []

        self._meter.create_observable_gauge(f"arsync.{name}", [ask], unit, text)

    def flush(self, timeout_s: float = 5.0) -> None:
        """Send what waits."""
        for provider in (self._traces, self._metrics):
            if provider is not None:
                provider.force_flush(int(timeout_s * 1000))

    def close(self) -> None:
        """Send what waits and end; also happens when the process ends."""
        for provider in (self._traces, self._metrics):
            if provider is not None:
                provider.shutdown()


class _Span:
    """Implements domain.telemetry.Span."""

    def __init__(self, span: OtelSpan | None) -> None:
        self._span = span

    def note(self, **values: Value) -> None:
        if self._span is not None:
            self._span.set_attributes({f"arsync.{key}": value for key, value in shown(values).items()})

    def about(self, facts: Sequence[str]) -> None:
        if self._span is None:
            return
        self.note(correlation_ids=facts[:LISTED], correlation_ids_more=max(0, len(facts) - LISTED))
        for context in filter(None, map(fact_context, facts[:LISTED])):
            self._span.add_link(context)

    def happened(self, name: str, **values: Value) -> None:
        if self._span is not None:
            self._span.add_event(name, {f"arsync.{key}": value for key, value in shown(values).items()})


def fact_context(correlation_id: str) -> SpanContext | None:
    """The trace of a fact: its id is the correlation id without dashes. None for an id that is no UUID."""
    try:
        number = uuid.UUID(correlation_id).int
    except ValueError:
        return None
    low = number & 0xFFFF_FFFF_FFFF_FFFF
    return SpanContext(number, low, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)) if low else None
