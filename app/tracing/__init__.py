"""Optional traces (OpenTelemetry, the extra `otel`). Off, with nothing imported, until `send_to` names a collector.

A span tells what was done and how long it took, in words of ours: no document, argument, value, or client's word.
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
    """Traces are asked for, and what makes them is not there."""


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
    """Send what is left. Blocks for some seconds if nobody takes it."""
    if _spans is not None:
        _spans.end()
    use(None)


def span(
    name: str, attributes: Attributes = _NONE, links: Sequence[SpanContext | None] | None = None
) -> AbstractContextManager[None]:
    """What happens inside. With `links` it is no part of its caller's trace, but linked to these."""
    return _OFF if _spans is None else _spans.span(name, attributes, links)


def request(headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[None]:
    """A request, as part of the trace that its `traceparent` names (W3C Trace Context)."""
    return _OFF if _spans is None else _spans.request(headers)


def describe(name: str, attributes: Attributes) -> None:
    """What is known of the current span only at its end."""
    if _spans is not None:
        _spans.describe(name, attributes)


def here() -> SpanContext | None:
    """The current span, to be linked to."""
    return None if _spans is None else _spans.here()
