"""Test registries beside the live one: what comes to `/uji/<organizer>/…` goes to that organizer's test registry.

All else goes to the live registry, which knows nothing of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from app.config import Settings
from app.errors import Unavailable
from app.graphql.doors import streams
from app.intake import http
from app.language import language_of
from app.process import Process
from app.registry.terms.organizers import MOST_CHARACTERS_OF_A_CODE
from app.registry.values.texts import is_code
from app.request_log import RequestLog
from app.testmode.arriving import Arriving
from app.testmode.registries import NoTestRegistry, Registries
from app.testmode.running import Assemble

PREFIX = "/uji/"
OF_THE_LIVE = "klien"
"""`/uji/<organizer>/klien` issues test clients to live ones (`clients`)."""
HEADER = (b"pemudik-mode", b"uji")
"""On every answer of a test registry."""


class Beside:
    """The ASGI application of a server with test mode."""

    def __init__(self, live: Starlette, settings: Settings, assemble: Assemble) -> None:
        process: Process = live.state.process
        self._live = live
        self.registries = Registries(settings, assemble, process.turns, process.stopping)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lives(scope, receive, send)
        elif scope["path"].startswith(PREFIX):
            await self._to_test(scope, receive, send)
        else:
            await self._live(scope, receive, send)

    async def _lives(self, scope: Scope, receive: Receive, send: Send) -> None:
        keeping = asyncio.create_task(self.registries.keep())

        async def told() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping
                await self.registries.end()
            return message

        await self._live(scope, told, send)

    async def _to_test(self, scope: Scope, receive: Receive, send: Send) -> None:
        organizer, _, rest = scope["path"].removeprefix(PREFIX).partition("/")
        if not is_code(organizer, MOST_CHARACTERS_OF_A_CODE):
            await self._refuse(NoTestRegistry(), scope, receive, send)
        elif rest == OF_THE_LIVE:
            await self._live(scope, receive, marked(send))
        else:
            try:
                await self._lend(organizer, f"/{rest}", scope, receive, send)
            except (NoTestRegistry, Unavailable) as refused:
                await self._refuse(refused, scope, receive, send)

    async def _lend(self, organizer: str, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        inner = {**scope, "path": path, "raw_path": path.encode(), "state": {**scope.get("state", {})}}
        arriving = Arriving(self.registries.control, organizer)
        if scope["type"] == "websocket":
            receive, send = arriving.messages(scope, receive, send)
        else:
            receive = arriving.body(receive)
        async with self.registries.lent(organizer, is_stream=_is_stream(scope)) as one:
            await one.application(inner, receive, marked(send))

    async def _refuse(self, why: NoTestRegistry | Unavailable, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013})
            return

        async def answer(inner: Scope, receive: Receive, send: Send) -> None:
            language = language_of(Request(inner).headers.get("accept-language", ""))
            response = (
                http.failed(why, language)[1]
                if isinstance(why, Unavailable)
                else http.error(404, "NOT_FOUND", NO_TEST_REGISTRY[language])
            )
            await response(inner, receive, send)

        await RequestLog(answer)(scope, receive, marked(send))


def _is_stream(scope: Scope) -> bool:
    return scope["type"] == "websocket" or streams.wanted(Headers(scope=scope).get("accept", ""))


NO_TEST_REGISTRY = {
    "id": "Penyelenggara ini belum punya registri uji; terbitkan klien uji dahulu (halaman Integrasi).",
    "en": "This organizer has no test registry yet; issue a test client first (the page Integrasi).",
}


def marked(send: Send) -> Send:
    async def with_mode(message: MutableMapping[str, Any]) -> None:
        if message["type"] in {"http.response.start", "websocket.accept"}:
            message["headers"] = [*message.get("headers", ()), HEADER]
        await send(message)

    return with_mode
