"""Optional traces (OpenTelemetry, the extra `otel`). Off, with nothing imported, until `send_to` names a collector.

A span tells what was done and how long that took, in words of ours. It holds no document, argument or value of a
client, and no word that a client chose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

    from app.tracing.spans import Spans

Attributes: TypeAlias = Mapping[str, str | int]

_OFF: AbstractContextManager[None] = nullcontext()
_NONE: Attributes = {}
_spans: Spans | None = None


class NotInstalled(Exception):  # noqa: N818 - said to an operator, who reads it as a sentence
    """Traces are asked for, and the extra that makes them is not installed."""


def send_to(endpoint: str | None) -> None:
    """Send spans to the OTLP collector at `endpoint`. Raises `NotInstalled`."""
    if endpoint is None:
        return
    try:
        from app.tracing import spans  # noqa: PLC0415 - it is optional
    except ImportError:
        raise NotInstalled("PEMUDIK_OTLP_ENDPOINT is set: install the extra, pip install 'pemudik[otel]'.") from None
    use(spans.sent_to(endpoint))


def use(spans: Spans | None) -> None:
    global _spans  # noqa: PLW0603 - a process traces or does not
    _spans = spans


def end() -> None:
    """Send the spans that are left. Blocks for some seconds if the collector does not answer."""
    if _spans is not None:
        _spans.end()
    use(None)


def span(
    name: str, attributes: Attributes = _NONE, links: Sequence[SpanContext | None] | None = None
) -> AbstractContextManager[None]:
    """A span of what happens inside. With `links` it begins a trace of its own, which is linked to these spans."""
    return _OFF if _spans is None else _spans.span(name, attributes, links)


def request(headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[None]:
    """The span of a request. It belongs to the trace that the header `traceparent` names (W3C Trace Context)."""
    return _OFF if _spans is None else _spans.request(headers)


def describe(name: str, attributes: Attributes) -> None:
    """Name the current span, and add what is known only at its end."""
    if _spans is not None:
        _spans.describe(name, attributes)


def here() -> SpanContext | None:
    """The current span, so that another span can be linked to it."""
    return None if _spans is None else _spans.here()
