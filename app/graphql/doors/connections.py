"""What stays open: how much of it a client may have in one process, and when one connection has to end.

It ends with its token, with its client, with the process, and when nobody reads at its other end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from app import clock, metrics
from app.auth.bearer import RECHECK_AFTER, Bearer, Principal, Unauthorized
from app.errors import Unavailable
from app.graphql.failures import RequestError

MOST_SOCKETS = 100
"""Of one client in one process."""
MOST_SUBSCRIPTIONS = 500
"""Of one client in one process, over all its sockets and streams."""
LOOK_EVERY = 1.0
ALIVE_EVERY = 12.0
"""With nothing else to say. Proxies close what is silent for a minute, some for fifteen seconds."""
SLOW_AFTER = 10.0
"""Nothing was taken meanwhile, though something waits."""
LAST_WORD_WITHIN = 10.0
"""Seconds, as all of these."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class End:
    """Why the registry ends a connection: the close code of a socket, and the error of a stream."""

    close: int
    code: str
    message: str

    @property
    def error(self) -> RequestError:
        return RequestError(self.message, self.code)


TOKEN_ENDED = End(4401, "INVALID_TOKEN", "The access token is expired or revoked")
RIGHTS_CHANGED = End(4403, "FORBIDDEN", "What this client may do has changed: connect again")
SLOW_READER = End(4413, "SLOW_READER", "Nothing was read for too long: resume from your last cursor")
TOO_MANY_SOCKETS = End(4430, "TOO_MANY_SOCKETS", f"A client has {MOST_SOCKETS} sockets at most")
RESTARTING = End(1012, "RESTARTING", "The server restarts: resume from your last cursor")


class Gone(Exception):  # noqa: N818 - an outcome
    """Nobody is at the other end any more."""


class Connections:
    """Of one process. `stopping` is set when it has been told to end."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self.stopping = stopping
        self._sockets: Counter[str] = Counter()
        self._subscriptions: Counter[str] = Counter()

    @contextmanager
    def socket(self, client: str) -> Iterator[bool]:
        """Whether the client may have one more, and has it until this is left."""
        with _one_more(self._sockets, client, MOST_SOCKETS, "socket") as may:
            yield may

    @contextmanager
    def subscription(self, client: str) -> Iterator[None]:
        """Raises `RequestError`."""
        with _one_more(self._subscriptions, client, MOST_SUBSCRIPTIONS, "subscription") as may:
            if not may:
                raise too_many(MOST_SUBSCRIPTIONS, "A client has {} subscriptions at most")
            yield


def too_many(most: int, message: str) -> RequestError:
    return RequestError(message.format(most), "TOO_MANY_SUBSCRIPTIONS", most=most)


@contextmanager
def _one_more(counts: Counter[str], client: str, most: int, kind: str) -> Iterator[bool]:
    if counts[client] >= most:
        yield False
        return
    counts[client] += 1
    metrics.OPEN.labels(kind).inc()
    try:
        yield True
    finally:
        counts[client] -= 1
        metrics.OPEN.labels(kind).dec()
        if not counts[client]:
            del counts[client]


async def first(*ways: Coroutine[Any, Any, Result]) -> Result:
    """What the first one that ends comes to. The others are cancelled, and have ended as well."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task.done()).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Line:
    """What is sent to one client. Who sends waits until there is room, so no more than one message of each waits."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._waiting = 0
        self._since = monotonic()

    async def send(self, message: dict[str, Any]) -> None:
        """Raises `Gone`."""
        if not self._waiting:
            self._since = monotonic()
        self._waiting += 1
        try:
            await self._send(message)
        except (OSError, RuntimeError):
            # Servers say either after the end that they made by themselves.
            raise Gone from None
        finally:
            self._waiting -= 1
            self._since = monotonic()

    @property
    def stalled_for(self) -> float:
        return monotonic() - self._since if self._waiting else 0.0

    @property
    def silent_for(self) -> float:
        return 0.0 if self._waiting else monotonic() - self._since


class Watch:
    """Of one connection: looks every second whether it may stay."""

    def __init__(self, connections: Connections, bearer: Bearer, authorization: str, principal: Principal) -> None:
        self._connections = connections
        self._bearer = bearer
        self._authorization = authorization
        self._principal = principal

    async def end(self, line: Line, keep_alive: Callable[[], Awaitable[None]]) -> End:
        """Why it has to end, as soon as it has to."""
        while not await self._stopping_within(LOOK_EVERY):
            if line.stalled_for >= SLOW_AFTER:
                return SLOW_READER
            if end := await self._end_of_rights():
                return end
            if line.silent_for >= ALIVE_EVERY:
                try:
                    async with asyncio.timeout(SLOW_AFTER):
                        await keep_alive()
                except TimeoutError:
                    return SLOW_READER
        return RESTARTING

    async def _stopping_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._connections.stopping.wait()
        return self._connections.stopping.is_set()

    async def _end_of_rights(self) -> End | None:
        if clock.now() >= self._principal.expires_at:
            return TOKEN_ENDED
        try:
            principal = await self._bearer.authenticate(self._authorization, within=RECHECK_AFTER - LOOK_EVERY)
        except Unauthorized:
            return TOKEN_ENDED
        except Unavailable:
            # Nobody can say; the next look asks again.
            return None
        return None if principal == self._principal else RIGHTS_CHANGED
