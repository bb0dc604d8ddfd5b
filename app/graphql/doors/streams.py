"""GraphQL over server-sent events, in the distinct connections mode of graphql-sse: one answer that goes on for long.

Lines end with LF: with CRLF, urql and Hive's gateway deliver no event at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import lru_cache

import orjson
from starlette.types import Receive, Send

from app.auth import edge
from app.errors import Language
from app.graphql.doors.answers import qualities_of
from app.graphql.doors.connections import LAST_WORD_WITHIN_SECONDS, ConnectionEnd, ConnectionGone, ConnectionWatch, Line
from app.graphql.doors.payloads import errors_of
from app.graphql.engine.requests import NotUnderstood
from app.server.racing import first_of

MEDIA = "text/event-stream"
HEADERS = [
    (b"content-type", f"{MEDIA}; charset=utf-8".encode()),
    (b"cache-control", edge.NO_STORE.encode()),
    # Without this header nginx collects events before it passes them on.
    (b"x-accel-buffering", b"no"),
]
KEEP_ALIVE = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"


@lru_cache(maxsize=256)
def wanted(accept: str) -> bool:
    """Whether `Accept` names the media type of a stream. Who accepts `*/*` does not expect a stream."""
    return qualities_of(accept).get(MEDIA, 0.0) > 0


def not_asked_for() -> NotUnderstood:
    return NotUnderstood(
        406,
        "NOT_ACCEPTABLE",
        f"Langganan dijawab sebagai aliran: kirim `Accept: {MEDIA}`, atau pakai graphql-transport-ws",
        f"A subscription is answered as a stream: send `Accept: {MEDIA}`, or use graphql-transport-ws",
    )


class Stream:
    """The answer to one operation, which has been judged."""

    def __init__(
        self, payloads: AsyncGenerator[str, None], watch: ConnectionWatch, receive: Receive, language: Language
    ) -> None:
        self._payloads = payloads
        self._watch = watch
        self._receive = receive
        self._language = language

    async def send(self, send: Send) -> None:
        """Send until the operation, the client, or the registry ends the stream."""
        self._line = Line(send)
        with suppress(ConnectionGone, TimeoutError):
            await self._line.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._keep_alive()
            end = await first_of(self._write(), self._client_leaves(), self._watch.end(self._line, self._keep_alive))
            async with asyncio.timeout(LAST_WORD_WITHIN_SECONDS):
                if end is not None:
                    await self._fail(end.error)
                await self._line.send({"type": "http.response.body", "body": COMPLETE})

    async def _write(self) -> ConnectionEnd | None:
        try:
            async with aclosing(self._payloads) as payloads:
                async for payload in payloads:
                    await self._next(payload)
        except ConnectionGone:
            raise
        except Exception as error:  # noqa: BLE001 - the client reads that it failed, whatever failed
            await self._fail(error)
        return None

    async def _client_leaves(self) -> ConnectionEnd | None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise ConnectionGone

    async def _fail(self, error: Exception) -> None:
        await self._next(orjson.dumps({"errors": errors_of(error, self._language)}).decode())

    async def _next(self, payload: str) -> None:
        await self._body(f"event: next\ndata: {payload}\n\n".encode())

    async def _keep_alive(self) -> None:
        await self._body(KEEP_ALIVE)

    async def _body(self, body: bytes) -> None:
        await self._line.send({"type": "http.response.body", "body": body, "more_body": True})
