"""What arrives at a test registry is looked through: a slow NIK keeps it waiting, and the NIK of an outage is answered
in the registry's place.

The digits are looked for in texts: bodies of JSON, of a form and of CSV, and messages of a socket. What is inside of an
.xlsx file is compressed, and found by nobody.
"""

from __future__ import annotations

import asyncio

import orjson
from starlette.types import Message, Receive, Scope, Send

from app.errors import Unavailable
from app.graphql.doors.payloads import errors_of
from app.language import Language, language_of
from app.server import json_texts
from app.server.json_texts import NotJson, TooManyValues
from app.testmode import niks
from app.testmode.control import Control

NIK_BYTES = 16
_ACKNOWLEDGED = '"connection_ack"'


class Arriving:
    """What one client sends to the test registry of `organizer`, by one request or one socket."""

    def __init__(self, control: Control, organizer: str) -> None:
        self._control, self._organizer = control, organizer

    def body(self, receive: Receive) -> Receive:
        """Of a request, as it comes. Raises `Unavailable`."""
        before = b""

        async def judged() -> Message:
            nonlocal before
            message = await receive()
            if message["type"] == "http.request":
                text = before + message.get("body", b"")
                before = text[1 - NIK_BYTES :]
                await self._judge(text)
            return message

        return judged

    def messages(self, scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """Of a socket, whose client is known from `connection_ack` on.

        An operation that meets the outage fails alone. Messages behind a slow one wait with it: they have an order.
        """
        language = language_of(dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1"))
        is_known = False

        async def sent(message: Message) -> None:
            nonlocal is_known
            is_known = is_known or _ACKNOWLEDGED in (message.get("text") or "")
            await send(message)

        async def judged() -> Message:
            while True:
                message = await receive()
                text = (message.get("text") or "").encode() if is_known else b""
                try:
                    await self._judge(text)
                except Unavailable as away:
                    operation = operation_of(text)
                    if operation is not None:
                        await send(failed(operation, away, language))
                        continue
                return message

        return judged, sent

    async def _judge(self, text: bytes) -> None:
        """Raises `Unavailable`."""
        if niks.SLOW_IN_TEXT.search(text):
            await asyncio.sleep(niks.SLOW_SECONDS)
        for found in niks.AWAY_IN_TEXT.findall(text):
            if await self._control.outage(self._organizer, found.decode()) < niks.AWAY_SECONDS:
                raise Unavailable(niks.AWAY_SECONDS)


def operation_of(text: bytes) -> str | None:
    """Which operation a message begins. None: it begins none, and its socket judges it."""
    try:
        message = json_texts.parsed(text)
    except (NotJson, TooManyValues):
        return None
    begins = isinstance(message, dict) and message.get("type") == "subscribe" and isinstance(message.get("id"), str)
    return message["id"] if begins else None


def failed(operation: str, away: Unavailable, language: Language) -> Message:
    content = {"id": operation, "type": "error", "payload": errors_of(away, language)}
    return {"type": "websocket.send", "text": orjson.dumps(content).decode()}
