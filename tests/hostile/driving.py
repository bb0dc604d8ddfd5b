"""The application is called in this process, without a server, so that its CPU time can be measured alone."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.types import ASGIApp, Message, Scope

from app.graphql.doors.sockets import PROTOCOL
from tests.hostile.sending import Answer, Sent, told_by_socket
from tests.patience import patience

CHUNK_BYTES = 64 * 1024
"""Of a body that arrives."""


async def told(application: ASGIApp, sent: Sent, token: str) -> str:
    async with patience():
        if sent.is_socket:
            return await _Socket(sent, token).told(application)
        return (await _Request(sent, token).answer(application)).told


def _scope(sent: Sent, kind: str, headers: dict[str, str]) -> Scope:
    path, query = urlsplit(sent.path).path, urlsplit(sent.path).query
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("registry.test", 80),
    }


class _Request:
    def __init__(self, sent: Sent, token: str) -> None:
        self._sent = sent
        headers = {"content-length": str(len(sent.body))} if sent.body else {}
        if not sent.anonymous:
            headers["authorization"] = f"Bearer {token}"
        self._scope = {**_scope(sent, "http", headers | dict(sent.headers)), "method": sent.method}
        starts = range(0, len(sent.body), CHUNK_BYTES)
        self._chunks = deque(sent.body[start : start + CHUNK_BYTES] for start in starts) or deque([b""])
        self._ended = asyncio.Event()
        self._status, self._body = 0, bytearray()

    async def answer(self, application: ASGIApp) -> Answer:
        await application(self._scope, self._receive, self._send)
        return Answer(self._status, bytes(self._body))

    async def _receive(self) -> Message:
        if self._chunks:
            return {"type": "http.request", "body": self._chunks.popleft(), "more_body": bool(self._chunks)}
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            return
        self._body += message.get("body", b"")
        # A stream may go on for ever: its first event is its answer.
        if not message.get("more_body", False) or b"event: " in self._body:
            self._ended.set()


class _Socket:
    """It leaves when each of its operations was answered, or when it is closed."""

    def __init__(self, sent: Sent, token: str) -> None:
        self._scope = {**_scope(sent, "websocket", {}), "subprotocols": [PROTOCOL]}
        init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        texts = list(sent.messages) if sent.anonymous else [orjson.dumps(init), *sent.messages]
        self._waiting = deque([{"type": "websocket.receive", "text": text.decode()} for text in texts])
        self._open = answers_awaited(sent)
        self._ended = asyncio.Event()
        self._told = "nothing"

    async def told(self, application: ASGIApp) -> str:
        await application(self._scope, self._receive, self._send)
        return self._told

    async def _receive(self) -> Message:
        if self._scope.get("connected") is None:
            self._scope["connected"] = True
            return {"type": "websocket.connect"}
        if self._waiting:
            return self._waiting.popleft()
        await self._ended.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def _send(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            self._told = f"closed {message['code']}"
            self._ended.set()
            return
        said: dict[str, Any] = orjson.loads(message["text"]) if message["type"] == "websocket.send" else {"type": "ack"}
        heard = told_by_socket(said)
        if heard is not None:
            self._told, self._open = heard, self._open - 1
            if self._open <= 0:
                self._ended.set()


def answers_awaited(sent: Sent) -> int:
    """One for each operation and each ping."""
    return sum(b'"subscribe"' in text or text == b'{"type":"ping"}' for text in sent.messages) or 1
