"""GraphQL over a WebSocket: the protocol graphql-transport-ws, with its close codes and those of `connections`.

Each operation of a socket is a task of its own. An operation that fails is answered by an error message and leaves the
other operations alone. An operation ends with its socket, or when the client says `complete`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from math import inf
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from app import metrics
from app.auth import edge
from app.auth.bearer import Principal, Unauthorized
from app.auth.callers import Callers
from app.auth.sessions import Credential
from app.errors import Unavailable
from app.graphql import failures
from app.graphql.doors.connections import (
    LAST_WORD_WITHIN_SECONDS,
    TOO_MANY_SOCKETS,
    ConnectionEnd,
    ConnectionGone,
    Connections,
    ConnectionWatch,
    Line,
    too_many,
)
from app.graphql.doors.payloads import Payloads, errors_of
from app.graphql.doors.repeats import Asked
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import NotUnderstood, OperationRequest, request_of
from app.language import language_of
from app.request_log import in_a_word
from app.server import json_texts
from app.server.json_texts import NotJson, TooManyValues
from app.server.racing import first_of
from app.server.socket_protocol import LONGEST_FIRST_MESSAGE, TRUST

PROTOCOL = "graphql-transport-ws"
INIT_WITHIN_SECONDS = 5.0
"""A client has so long to say who it is."""
MOST_OPERATIONS_OF_A_SOCKET = 100
"""At a time."""
LONGEST_OPERATION_ID = 255
"""In characters."""
ABNORMAL_CLOSURE = 1006
"""The close code of a socket whose client is gone without a close message."""

BAD_MESSAGE = ConnectionEnd(4400, "BAD_REQUEST", "Invalid message")
TOO_LARGE = ConnectionEnd(1009, "CONTENT_TOO_LARGE", "Message too large")
UNAUTHORIZED = ConnectionEnd(4401, "UNAUTHORIZED", "Unauthorized")
NOT_OUR_PROTOCOL = ConnectionEnd(
    4406, "SUBPROTOCOL_NOT_ACCEPTABLE", f"Subprotocol not acceptable: {PROTOCOL} is spoken here"
)
INIT_TIMEOUT = ConnectionEnd(4408, "INIT_TIMEOUT", "Connection initialisation timeout")
ID_IN_USE = ConnectionEnd(4409, "SUBSCRIBER_EXISTS", "Subscriber already exists")
TOO_MANY_INITS = ConnectionEnd(4429, "TOO_MANY_INITS", "Too many initialisation requests")
AWAY = ConnectionEnd(1013, "UNAVAILABLE", "The registry cannot answer now: try again later")
BROKEN = ConnectionEnd(4500, "INTERNAL_ERROR", "Internal error")


class Closed(Exception):  # noqa: N818 - an outcome
    """The registry ends the socket, and the client is to be told why."""

    def __init__(self, end: ConnectionEnd) -> None:
        super().__init__(end.code)
        self.end = end


class Left(Exception):  # noqa: N818 - an outcome
    """The client has ended the socket."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class SocketDoor:
    """The ASGI application for WebSockets at `/graphql`. A process has one."""

    def __init__(self, callers: Callers, operations: Operations, payloads: Payloads, connections: Connections) -> None:
        self.callers = callers
        self.operations = operations
        self.payloads = payloads
        self.connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Socket(self, scope, receive, send).live()


class Socket:
    """One socket, from its handshake to its end."""

    def __init__(self, door: SocketDoor, scope: Scope, receive: Receive, send: Send) -> None:
        self._door = door
        self._scope = scope
        self._state: dict[str, Any] = scope.setdefault("state", {})
        self._receive = receive
        self._line = Line(send)
        self._headers: dict[bytes, str] = {name: value.decode("latin-1") for name, value in scope["headers"]}
        self._language = language_of(self._headers.get(b"accept-language", ""))
        self._principal: Principal
        self._longest_message: float = LONGEST_FIRST_MESSAGE
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """The tasks of `_running`, and those that were cancelled and have not ended yet."""
        self._root_fields_logged: set[str] = set()

    async def live(self) -> None:
        """Serve the socket to its end. The log of requests gets the close code."""
        try:
            self._state["close_code"] = await self._end()
        finally:
            await self._end_operations()

    async def _end(self) -> int:
        try:
            end = await self._work()
        except Left as left:
            return left.code
        except ConnectionGone:
            return ABNORMAL_CLOSURE
        except Closed as closed:
            end = closed.end
        except Exception as error:  # noqa: BLE001 - a bug ends the socket, not the process
            failures.report(error)
            end = BROKEN
        # No operation may send anything after the close message.
        await self._end_operations()
        with suppress(ConnectionGone, TimeoutError):
            async with asyncio.timeout(LAST_WORD_WITHIN_SECONDS):
                await self._line.send({"type": "websocket.close", "code": end.close, "reason": end.message})
        return end.close

    async def _end_operations(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self) -> ConnectionEnd:
        await self._shake_hands()
        with self._door.connections.unknown_socket() as may:
            if not may:
                return AWAY
            credential = await self._initialise()
        with self._door.connections.socket(self._state["client_id"]) as may:
            if not may:
                return TOO_MANY_SOCKETS
            await self._say({"type": "connection_ack"})
            watch = ConnectionWatch(self._door.connections, self._door.callers, credential, self._principal)
            return await first_of(self._read(), watch.end(self._line, self._ping))

    # --- who calls ----------------------------------------------------------------------------------------------------

    async def _shake_hands(self) -> None:
        await self._receive()
        spoken = PROTOCOL in self._scope["subprotocols"]
        await self._line.send({"type": "websocket.accept", "subprotocol": PROTOCOL if spoken else None})
        if not spoken:
            raise Closed(NOT_OUR_PROTOCOL)

    async def _initialise(self) -> Credential:
        """Read who calls: from the first message, else from the headers of the handshake, which browsers cannot set.

        The answer is checked again as long as the socket lives.
        """
        try:
            async with asyncio.timeout(INIT_WITHIN_SECONDS):
                payload = await self._init()
        except TimeoutError:
            raise Closed(INIT_TIMEOUT) from None
        given: dict[str, str] = {name.lower(): value for name, value in payload.items() if isinstance(value, str)}
        self._language = language_of(given.get("accept-language", self._headers.get(b"accept-language", "")))
        credential = given.get("authorization") or self._door.callers.credential_of_socket(self._header)
        try:
            self._principal = await edge.identify(self._door.callers, credential, self._scope)
        except Unauthorized:
            raise Closed(UNAUTHORIZED) from None
        except Unavailable:
            raise Closed(AWAY) from None
        self._trust()
        return credential

    def _header(self, name: str) -> str | None:
        return self._headers.get(name.encode())

    def _trust(self) -> None:
        """Let messages be as long as the server allows, from now on."""
        self._longest_message = inf
        trust = self._scope.get("extensions", {}).get(TRUST)
        if trust is not None:
            trust()

    async def _init(self) -> Mapping[str, Any]:
        while True:
            message = await self._next()
            match message["type"], message.get("payload"):
                case "connection_init", None:
                    return {}
                case "connection_init", dict(payload):
                    return payload
                case "ping", _:
                    await self._say({"type": "pong"})
                case "pong", _:
                    pass
                case "subscribe", _:
                    raise Closed(UNAUTHORIZED)
                case _:
                    raise Closed(BAD_MESSAGE)

    # --- messages -----------------------------------------------------------------------------------------------------

    async def _read(self) -> ConnectionEnd:
        while True:
            message = await self._next()
            match message["type"]:
                case "subscribe":
                    await self._subscribe(message)
                case "complete":
                    self._complete(message)
                case "ping":
                    await self._say({"type": "pong"})
                case "pong":
                    pass
                case "connection_init":
                    return TOO_MANY_INITS
                case _:
                    return BAD_MESSAGE

    async def _next(self) -> dict[str, Any]:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Left(event.get("code") or ABNORMAL_CLOSURE)
        text = event.get("text") or ""
        if len(text) > self._longest_message:
            raise Closed(TOO_LARGE)
        try:
            message = json_texts.parsed(text.encode())
        except TooManyValues:
            raise Closed(TOO_LARGE) from None
        except NotJson:
            raise Closed(BAD_MESSAGE) from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Closed(BAD_MESSAGE)
        return message

    async def _say(self, message: Mapping[str, Any]) -> None:
        await self._line.send({"type": "websocket.send", "text": orjson.dumps(message).decode()})

    async def _ping(self) -> None:
        await self._say({"type": "ping"})

    # --- operations ---------------------------------------------------------------------------------------------------

    async def _subscribe(self, message: Mapping[str, Any]) -> None:
        name = message.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_OPERATION_ID:
            raise Closed(BAD_MESSAGE)
        try:
            request = request_of(message.get("payload"))
        except NotUnderstood:
            raise Closed(BAD_MESSAGE) from None
        if name in self._running:
            raise Closed(ID_IN_USE)
        if len(self._tasks) >= MOST_OPERATIONS_OF_A_SOCKET:
            most = MOST_OPERATIONS_OF_A_SOCKET
            words = f"A socket has {most} operations at a time at most", f"Satu soket paling banyak {most} operasi"
            await self._fail(name, too_many(most, *words))
            return
        task = asyncio.create_task(self._run(name, request))
        self._running[name] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _complete(self, message: Mapping[str, Any]) -> None:
        task = self._running.pop(message["id"], None) if isinstance(message.get("id"), str) else None
        # Without a task, the operation has ended by itself a moment ago.
        if task is not None:
            task.cancel()

    async def _run(self, name: str, request: OperationRequest) -> None:
        try:
            await self._carry(name, request)
            self._running.pop(name, None)
            await self._say({"id": name, "type": "complete"})
        except ConnectionGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever fails belongs to this operation
            self._running.pop(name, None)
            with suppress(ConnectionGone):
                await self._fail(name, error)

    async def _carry(self, name: str, request: OperationRequest) -> None:
        operations, client = self._door.operations, self._principal.caller.client_id or ""
        found = operations.known(request) or await operations.found(request, client)
        self._root_fields_logged.add(found.operation.root_field_names)
        metrics.SOCKET_OPERATIONS.labels(in_a_word(found.operation.root_field_names)).inc()
        self._state["operation"] = ",".join(sorted(self._root_fields_logged))
        operations.judge(found, self._principal.scopes)
        beginning = f'{{"id":{orjson.dumps(name).decode()},"type":"next","payload":'
        async with aclosing(self._door.payloads.of(Asked(found, self._principal, self._language))) as payloads:
            async for payload in payloads:
                await self._line.send({"type": "websocket.send", "text": f"{beginning}{payload}}}"})

    async def _fail(self, name: str, error: Exception) -> None:
        errors = errors_of(error, self._language)
        metrics.SOCKET_FAILURES.labels(errors[0]["extensions"]["code"]).inc()
        await self._say({"id": name, "type": "error", "payload": errors})
