"""GraphQL over server-sent events: graphql-sse's distinct connections mode, an answer that goes on.

Lines end with LF: urql and Hive's gateway deliver no event at all when they end with CRLF.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import lru_cache

import orjson
from starlette.types import Receive, Send

from app.errors import Language
from app.graphql.doors.answers import qualities_of
from app.graphql.doors.connections import LAST_WORD_WITHIN, End, Gone, Line, Watch, first
from app.graphql.doors.payloads import told
from app.graphql.engine.requests import NotUnderstood

MEDIA = "text/event-stream"
HEADERS = [
    (b"content-type", f"{MEDIA}; charset=utf-8".encode()),
    (b"cache-control", b"no-store"),
    # nginx would collect what has to be passed on at once.
    (b"x-accel-buffering", b"no"),
]
KEEP_ALIVE = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"


@lru_cache(maxsize=256)
def wanted(accept: str) -> bool:
    """Whether a stream is asked for by its name: who takes anything does not expect one."""
    return qualities_of(accept).get(MEDIA, 0.0) > 0


def not_asked_for() -> NotUnderstood:
    return NotUnderstood(
        406,
        "NOT_ACCEPTABLE",
        f"A subscription is answered as a stream: send `Accept: {MEDIA}`, or use graphql-transport-ws",
    )


class Stream:
    """Of one operation, which has been judged."""

    def __init__(self, payloads: AsyncGenerator[str, None], watch: Watch, receive: Receive, language: Language) -> None:
        self._payloads = payloads
        self._watch = watch
        self._receive = receive
        self._language = language

    async def send(self, send: Send) -> None:
        """Until it has ended, whoever ends it."""
        self._line = Line(send)
        with suppress(Gone, TimeoutError):
            await self._line.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._keep_alive()
            end = await first(self._write(), self._client_leaves(), self._watch.end(self._line, self._keep_alive))
            async with asyncio.timeout(LAST_WORD_WITHIN):
                if end is not None:
                    await self._fail(end.error)
                await self._line.send({"type": "http.response.body", "body": COMPLETE})

    async def _write(self) -> End | None:
        try:
            async with aclosing(self._payloads) as payloads:
                async for payload in payloads:
                    await self._next(payload)
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the client reads it
            await self._fail(error)
        return None

    async def _client_leaves(self) -> End | None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise Gone

    async def _fail(self, error: Exception) -> None:
        await self._next(orjson.dumps({"errors": told(error, self._language)}).decode())

    async def _next(self, payload: str) -> None:
        await self._body(f"event: next\ndata: {payload}\n\n".encode())

    async def _keep_alive(self) -> None:
        await self._body(KEEP_ALIVE)

    async def _body(self, body: bytes) -> None:
        await self._line.send({"type": "http.response.body", "body": body, "more_body": True})
