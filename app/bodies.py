"""The body of a request over HTTP, read within its limits of size and time. Each door words its refusal itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class BodyTooLarge(Exception):  # noqa: N818 - an answer
    """The body has more bytes than the door takes."""


class BodyTooLate(Exception):  # noqa: N818 - an answer
    """The body did not arrive in time."""


async def whole(stream: AsyncIterator[bytes], content_length: str, *, limit: int, within_seconds: float) -> bytes:
    """At most `limit` bytes. `content_length` is the header, or nothing. Raises `BodyTooLarge`, `BodyTooLate`."""
    try:
        async with asyncio.timeout(within_seconds):
            return b"".join([chunk async for chunk in _counted(stream, content_length, limit)])
    except TimeoutError:
        raise BodyTooLate from None


async def chunks(
    stream: AsyncIterator[bytes], content_length: str, *, limit: int, within_seconds: float
) -> AsyncIterator[bytes]:
    """As `whole`, for a body that is not to be held in memory: chunk by chunk, as they arrive."""
    deadline = asyncio.get_running_loop().time() + within_seconds
    counted = _counted(stream, content_length, limit)
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await anext(counted, None)
        except TimeoutError:
            raise BodyTooLate from None
        if chunk is None:
            return
        yield chunk


async def _counted(stream: AsyncIterator[bytes], content_length: str, limit: int) -> AsyncIterator[bytes]:
    """A client that announces too much is refused before it sends. One that announces too little is counted."""
    if content_length.isdigit() and int(content_length[:20]) > limit:
        raise BodyTooLarge
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        yield chunk
