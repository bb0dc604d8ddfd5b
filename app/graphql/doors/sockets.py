"""GraphQL over a WebSocket: the protocol graphql-transport-ws, with its close codes and ours (`connections`).

Each operation is a task of its own: one that fails is answered by itself and leaves its neighbours alone. An operation
ends with its socket, and when the client says `complete`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from app import metrics
from app.auth.bearer import Bearer, Principal, Unauthorized
from app.errors import Unavailable
from app.graphql import failures
from app.graphql.doors.connections import (
    LAST_WORD_WITHIN,
    TOO_MANY_SOCKETS,
    Connections,
    End,
    Gone,
    Line,
    Watch,
    first,
    too_many,
)
from app.graphql.doors.payloads import Payloads, told
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import Asked, NotUnderstood, operation_in
from app.language import language_of
from app.request_log import in_a_word

PROTOCOL = "graphql-transport-ws"
INIT_WITHIN = 5.0
"""Seconds until a socket must have said who it is."""
MOST_OPERATIONS = 100
"""Of one socket at a time."""
LONGEST_ID = 255
ABNORMAL = 1006
"""The close code of a socket whose other end is gone without a word."""

BAD_MESSAGE = End(4400, "BAD_REQUEST", "Invalid message")
UNAUTHORIZED = End(4401, "UNAUTHORIZED", "Unauthorized")
NOT_OUR_PROTOCOL = End(4406, "SUBPROTOCOL_NOT_ACCEPTABLE", f"Subprotocol not acceptable: {PROTOCOL} is spoken here")
INIT_TIMEOUT = End(4408, "INIT_TIMEOUT", "Connection initialisation timeout")
ID_IN_USE = End(4409, "SUBSCRIBER_EXISTS", "Subscriber already exists")
TOO_MANY_INITS = End(4429, "TOO_MANY_INITS", "Too many initialisation requests")
AWAY = End(1013, "UNAVAILABLE", "The registry cannot answer now: try again later")
BROKEN = End(4500, "INTERNAL_ERROR", "Internal error")


class Closed(Exception):  # noqa: N818 - an outcome
    """It has to end, and the client has yet to be told."""

    def __init__(self, end: End) -> None:
        super().__init__(end.code)
        self.end = end


class Left(Exception):  # noqa: N818 - an outcome
    """The client has ended it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class SocketDoor:
    """The ASGI application behind the door's path, for WebSockets. Of one process."""

    def __init__(self, bearer: Bearer, operations: Operations, payloads: Payloads, connections: Connections) -> None:
        self.bearer = bearer
        self.operations = operations
        self.payloads = payloads
        self.connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Socket(self, scope, receive, send).live()


class Socket:
    def __init__(self, door: SocketDoor, scope: Scope, receive: Receive, send: Send) -> None:
        self._door = door
        self._scope = scope
        self._state: dict[str, Any] = scope.setdefault("state", {})
        self._receive = receive
        self._line = Line(send)
        self._headers: dict[bytes, str] = {name: value.decode("latin-1") for name, value in scope["headers"]}
        self._language = language_of(self._headers.get(b"accept-language", ""))
        self._principal: Principal
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """Those that run, and those that have been told to end and have yet to do so."""
        self._told: set[str] = set()

    async def live(self) -> None:
        """From the handshake to the end, which the log is told of."""
        try:
            self._state["close_code"] = await self._end()
        finally:
            await self._end_operations()

    async def _end(self) -> int:
        try:
            end = await self._work()
        except Left as left:
            return left.code
        except Gone:
            return ABNORMAL
        except Closed as closed:
            end = closed.end
        except Exception as error:  # noqa: BLE001 - a bug of ours ends here
            failures.report(error)
            end = BROKEN
        # They must not speak after the last word.
        await self._end_operations()
        with suppress(Gone, TimeoutError):
            async with asyncio.timeout(LAST_WORD_WITHIN):
                await self._line.send({"type": "websocket.close", "code": end.close, "reason": end.message})
        return end.close

    async def _end_operations(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self) -> End:
        await self._shake_hands()
        authorization = await self._initialise()
        with self._door.connections.socket(self._state["client_id"]) as may:
            if not may:
                return TOO_MANY_SOCKETS
            await self._say({"type": "connection_ack"})
            watch = Watch(self._door.connections, self._door.bearer, authorization, self._principal)
            return await first(self._read(), watch.end(self._line, self._ping))

    # --- who it is ----------------------------------------------------------------------------------------------------

    async def _shake_hands(self) -> None:
        await self._receive()
        spoken = PROTOCOL in self._scope["subprotocols"]
        await self._line.send({"type": "websocket.accept", "subprotocol": PROTOCOL if spoken else None})
        if not spoken:
            raise Closed(NOT_OUR_PROTOCOL)

    async def _initialise(self) -> str:
        """The authorization, in the first message or, from whoever can set it, in the request's header."""
        try:
            async with asyncio.timeout(INIT_WITHIN):
                payload = await self._init()
        except TimeoutError:
            raise Closed(INIT_TIMEOUT) from None
        given: dict[str, str] = {name.lower(): value for name, value in payload.items() if isinstance(value, str)}
        self._language = language_of(given.get("accept-language", self._headers.get(b"accept-language", "")))
        authorization = given.get("authorization", self._headers.get(b"authorization", ""))
        try:
            self._principal = await self._door.bearer.authenticate(authorization)
        except Unauthorized:
            raise Closed(UNAUTHORIZED) from None
        except Unavailable:
            raise Closed(AWAY) from None
        self._state["client_id"] = self._principal.caller.client_id
        return authorization

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

    async def _read(self) -> End:
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
            raise Left(event.get("code") or ABNORMAL)
        try:
            message = orjson.loads(event.get("text") or b"")
        except orjson.JSONDecodeError:
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
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
            raise Closed(BAD_MESSAGE)
        try:
            asked = operation_in(message.get("payload"))
        except NotUnderstood:
            raise Closed(BAD_MESSAGE) from None
        if name in self._running:
            raise Closed(ID_IN_USE)
        if len(self._tasks) >= MOST_OPERATIONS:
            await self._fail(name, too_many(MOST_OPERATIONS, "A socket has {} operations at a time at most"))
            return
        task = asyncio.create_task(self._run(name, asked))
        self._running[name] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _complete(self, message: Mapping[str, Any]) -> None:
        task = self._running.pop(message["id"], None) if isinstance(message.get("id"), str) else None
        # It may have ended by itself a moment ago.
        if task is not None:
            task.cancel()

    async def _run(self, name: str, asked: Asked) -> None:
        try:
            await self._carry(name, asked)
            self._running.pop(name, None)
            await self._say({"id": name, "type": "complete"})
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to this operation
            self._running.pop(name, None)
            with suppress(Gone):
                await self._fail(name, error)

    async def _carry(self, name: str, asked: Asked) -> None:
        found = self._door.operations.find(asked)
        self._told.add(found.operation.told)
        metrics.SOCKET_OPERATIONS.labels(in_a_word(found.operation.told)).inc()
        self._state["operation"] = ",".join(sorted(self._told))
        self._door.operations.judge(found, self._principal)
        beginning = f'{{"id":{orjson.dumps(name).decode()},"type":"next","payload":'
        async with aclosing(self._door.payloads.of(found, self._principal, self._language)) as payloads:
            async for payload in payloads:
                await self._line.send({"type": "websocket.send", "text": f"{beginning}{payload}}}"})

    async def _fail(self, name: str, error: Exception) -> None:
        errors = told(error, self._language)
        metrics.SOCKET_FAILURES.labels(errors[0]["extensions"]["code"]).inc()
        await self._say({"id": name, "type": "error", "payload": errors})
