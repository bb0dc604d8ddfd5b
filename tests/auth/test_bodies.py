"""A body is read whole or in chunks, and no door reads more of it or for longer than it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.auth import edge
from app.auth.edge import BodyTooLarge, BodyTooLate

pytestmark = pytest.mark.anyio

LIMIT = 10


class Sent:
    """What a client sends, and how much of it was read."""

    def __init__(self, chunks: Sequence[bytes], then_waits_seconds: float = 0) -> None:
        self.chunks = chunks
        self.then_waits_seconds = then_waits_seconds
        self.read = 0

    async def stream(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.read += len(chunk)
            yield chunk
        await asyncio.sleep(self.then_waits_seconds)


async def whole(sent: Sent, content_length: str, within_seconds: float) -> bytes:
    stream = sent.stream()

    async def receive() -> Message:
        chunk = await anext(stream, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    return await edge.whole_body(receive, content_length, limit=LIMIT, within_seconds=within_seconds)


async def in_chunks(sent: Sent, content_length: str, within_seconds: float) -> bytes:
    read = edge.body_chunks(sent.stream(), content_length, limit=LIMIT, within_seconds=within_seconds)
    return b"".join([chunk async for chunk in read])


Reader = Callable[[Sent, str, float], Awaitable[bytes]]
WAYS = pytest.mark.parametrize("read", [whole, in_chunks])


@WAYS
@pytest.mark.parametrize("content_length", ["", "10", "3", "ten", "-1"])
async def test_what_is_within_the_limits_arrives(read: Reader, content_length: str) -> None:
    assert await read(Sent([b"12345", b"", b"67890"]), content_length, 5) == b"1234567890"


@WAYS
@pytest.mark.parametrize("content_length", ["11", "9" * 5_000])
async def test_too_much_is_refused_before_it_is_read(read: Reader, content_length: str) -> None:
    sent = Sent([b"1"])
    with pytest.raises(BodyTooLarge):
        await read(sent, content_length, 5)
    assert sent.read == 0


@WAYS
async def test_too_much_that_does_not_say_so_is_read_to_the_limit(read: Reader) -> None:
    sent = Sent([b"12345"] * 100)
    with pytest.raises(BodyTooLarge):
        await read(sent, "5", 5)
    assert sent.read == 15


@WAYS
async def test_what_does_not_arrive_is_given_up(read: Reader) -> None:
    with pytest.raises(BodyTooLate):
        await read(Sent([b"1"], then_waits_seconds=60), "", 0.02)


async def test_a_client_that_goes_away_has_sent_no_body() -> None:
    messages: list[Message] = [{"type": "http.request", "body": b"1", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return messages.pop(0)

    with pytest.raises(ClientDisconnect):
        await edge.whole_body(receive, "", limit=LIMIT, within_seconds=5)
