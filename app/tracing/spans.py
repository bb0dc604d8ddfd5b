"""Spans through OpenTelemetry's SDK. Of an exception only its type is sent: its message may quote a row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.tracing import Attributes
from app.version import VERSION

TRACEPARENT = re.compile(rb"(?!.*\d{16})[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""A value that might hold a NIK is not taken over. Nor are `tracestate` and `baggage`, in which anything may stand."""

_PROPAGATOR = TraceContextTextMapPropagator()


class Spans:
    """What makes spans. A process has one."""

    def __init__(self, processor: SpanProcessor) -> None:
        resource = Resource.create({"service.name": "pemudik", "service.version": VERSION})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("pemudik", VERSION)

    @contextmanager
    def span(self, name: str, attributes: Attributes, links: Sequence[SpanContext | None] | None) -> Iterator[None]:
        with self._running(
            name,
            attributes=attributes,
            context=None if links is None else Context(),
            links=[Link(one) for one in {one.span_id: one for one in links or () if one is not None}.values()],
        ):
            yield

    @contextmanager
    def request(self, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
        given = next((value for name, value in headers if name == b"traceparent"), b"")
        carrier = {"traceparent": given.decode()} if TRACEPARENT.fullmatch(given) else {}
        with self._running("request", context=_PROPAGATOR.extract(carrier, Context()), kind=SpanKind.SERVER):
            yield

    def describe(self, name: str, attributes: Attributes) -> None:
        span = trace.get_current_span()
        span.update_name(name)
        span.set_attributes(attributes)

    def here(self) -> SpanContext:
        return trace.get_current_span().get_span_context()

    def end(self) -> None:
        self._provider.shutdown()

    @contextmanager
    def _running(
        self,
        name: str,
        *,
        attributes: Attributes | None = None,
        context: Context | None = None,
        links: Sequence[Link] = (),
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            name, context, kind, attributes, links, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR))
                span.set_attribute("error.type", type(error).__qualname__)
                raise


def sent_to(endpoint: str) -> Spans:
    """Spans are sent to an OTLP collector over HTTP, in batches, from a thread of its own."""
    return Spans(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
