"""The headers of a request have a size and a time, whoever sends them and however they are cut into packets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.server import http_protocol
from app.server.http_protocol import MOST_HEADER_BYTES
from tests.graphql.live.serving import listening
from tests.patience import patience

pytestmark = pytest.mark.anyio

READ_AT_ONCE = 256 * 1024
"""The most bytes that the event loop reads before it asks the protocol."""


async def length_of_body(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with listening(length_of_body) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.config.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def answer_to(reader: asyncio.StreamReader) -> bytes:
    async with patience():
        return await reader.readuntil(b"\r\n")


async def sent_until_refused(writer: asyncio.StreamWriter, packet: bytes) -> int:
    """How many bytes the server takes before it ends the connection."""
    sent = 0
    while sent < 100 * MOST_HEADER_BYTES:
        try:
            writer.write(packet)
            await writer.drain()
        except ConnectionError:
            break
        sent += len(packet)
        await asyncio.sleep(0)
    return sent


@pytest.mark.parametrize("beginning", [b"GET /", b"GET / HTTP/1.1\r\nX-Endless: ", b"GET / HTTP/1.1\r\n", b"\r\n"])
@pytest.mark.parametrize("packet", [b"a" * 1024, b"a" * 65_000])
async def test_what_never_ends_is_refused(beginning: bytes, packet: bytes) -> None:
    if beginning == b"\r\n":
        packet = beginning * (len(packet) // 2)
    elif beginning.endswith(b"1.1\r\n"):
        packet = b"X-Name: " + packet + b"\r\n"
    async with connection() as (_, writer):
        writer.write(beginning)
        # What the two kernels hold on the way counts as well.
        assert await sent_until_refused(writer, packet) < 64 * MOST_HEADER_BYTES


@pytest.mark.parametrize("size", [MOST_HEADER_BYTES + 1, 2 * READ_AT_ONCE])
async def test_too_large_headers_get_an_answer(size: int) -> None:
    async with connection() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + b"a" * size + b"\r\n\r\n")
        assert await answer_to(reader) == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"


async def test_many_small_headers_are_counted_together() -> None:
    headers = b"".join(b"X-%d: abc\r\n" % number for number in range(10_000))
    async with connection() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
        assert await answer_to(reader) == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"


async def test_large_bodies_and_further_requests_are_not_counted_as_headers() -> None:
    body = b"b" * (4 * MOST_HEADER_BYTES)
    header = b"POST / HTTP/1.1\r\nHost: x\r\nX-Large: " + b"a" * (MOST_HEADER_BYTES // 2) + b"\r\n"
    request = header + b"Content-Length: %d\r\n\r\n" % len(body) + body
    async with connection() as (reader, writer):
        for _ in range(5):
            writer.write(request)
            assert await answer_to(reader) == b"HTTP/1.1 200 OK\r\n"
            async with patience():
                await reader.readuntil(str(len(body)).encode())


@pytest.mark.parametrize("beginning", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n"])
async def test_headers_that_do_not_arrive_are_given_up(beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEADERS_WITHIN_SECONDS", 0.05)
    async with connection() as (reader, writer):
        writer.write(beginning)
        assert await answer_to(reader) == b"HTTP/1.1 408 Request Timeout\r\n"


async def test_a_body_may_take_longer_than_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEADERS_WITHIN_SECONDS", 0.05)
    async with connection() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
        await asyncio.sleep(0.2)
        writer.write(b"b")
        assert await answer_to(reader) == b"HTTP/1.1 200 OK\r\n"


# --- a body that goes on after its answer -----------------------------------------------------------------------------


async def refuse_unread(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("no", 413)(scope, receive, send)


async def test_a_body_that_is_refused_is_read_on_and_the_connection_stays() -> None:
    body = b"b" * 30_000_000
    async with listening(refuse_unread) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.config.port)
        for _ in range(2):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
            async with patience():
                await writer.drain()
            assert await answer_to(reader) == b"HTTP/1.1 413 Request Entity Too Large\r\n"
            async with patience():
                await reader.readuntil(b"no")
        writer.close()


async def test_a_body_that_goes_on_for_ever_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "MOST_DISCARDED_BYTES", MOST_HEADER_BYTES)
    async with listening(refuse_unread) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.config.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n")
        assert await sent_until_refused(writer, b"b" * 65_000) < 100 * MOST_HEADER_BYTES
        writer.close()


async def test_a_body_that_stops_after_its_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "DISCARDED_WITHIN_SECONDS", 0.05)
    async with listening(refuse_unread) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.config.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nb")
        async with patience():
            assert (await reader.read()).startswith(b"HTTP/1.1 413")
        writer.close()


async def test_a_connection_that_says_nothing_ends() -> None:
    async with listening(length_of_body, timeout_keep_alive=0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.config.port)
        async with patience():
            assert await reader.read() == b""
        writer.close()
