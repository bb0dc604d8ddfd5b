"""HTTP/1.1 as uvicorn speaks it by httptools, with bounds for what it lacks.

The headers have a size and a time. httptools keeps an endless header in memory and copies it with every packet: 96 MB
of one header took 12 seconds. A body that goes on after its answer is read on and thrown away, within a size and a
time. If the connection were closed at once, many clients would see a reset and never read why they were refused.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES = 64 * 1024
"""The request line and all headers of one request together are at most this long."""
HEADERS_WITHIN_SECONDS = 10.0
"""From the first byte of a request to the end of its headers."""

MOST_DISCARDED_BYTES = 64 * 1024 * 1024
DISCARDED_WITHIN_SECONDS = 10.0
"""A body that goes on after its answer is read and thrown away for this long."""

TOO_LARGE = b"431 Request Header Fields Too Large"
TOO_LATE = b"408 Request Timeout"


class HeadersTooLarge(Exception):  # noqa: N818 - an outcome
    """httptools passes it on as an error of the parser."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    _in_headers = True
    """Between two requests as well."""
    _arrived = 0
    """Bytes of this request, as long as its headers go on."""
    _parsed = 0
    """Bytes of the headers that are whole. They may all come in one packet, together with the body."""
    _late: asyncio.TimerHandle | None = None
    _in_body = False
    _discarded = 0
    """Bytes of a body that came after its answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # A connection that says nothing goes away like one that has nothing more to say.
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_keepalive_if_required()
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._arrived += len(data)
            self._start_clock()
        super().data_received(data)
        if self._in_headers and self._arrived > MOST_HEADER_BYTES:
            self._refuse(TOO_LARGE)

    # --- what the parser calls ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._start_clock()
        self._parsed = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers, self._in_body, self._discarded = False, True, 0
        self._stop_clock()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > MOST_DISCARDED_BYTES:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_headers, self._in_body, self._arrived = True, False, 0
        self._stop_clock()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body:
            self._late = self.loop.call_later(DISCARDED_WITHIN_SECONDS, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        if self._parsed > MOST_HEADER_BYTES:
            self._refuse(TOO_LARGE)
        else:
            super().send_400_response(msg)

    # --- the bounds ---------------------------------------------------------------------------------------------------

    def _count(self, size: int) -> None:
        self._parsed += size
        if self._parsed > MOST_HEADER_BYTES:
            raise HeadersTooLarge

    def _start_clock(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEADERS_WITHIN_SECONDS, self._refuse, TOO_LATE)

    def _stop_clock(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: bytes) -> None:
        self._stop_clock()
        transport: Any = self.transport
        if transport.is_closing():
            return
        # An answer that is still being sent must not get a second one into its middle.
        if self.cycle is None or self.cycle.response_complete:
            transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        transport.close()
