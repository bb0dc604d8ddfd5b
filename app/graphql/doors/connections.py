"""Connections that stay open: how many a client may have in one process, and when a connection has to end.

A connection ends with its token, with its client's rights, with the process, and when its client reads nothing any
more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from app import clock, metrics
from app.auth.bearer import RECHECK_AFTER_SECONDS, Principal, Unauthorized
from app.auth.callers import Callers
from app.auth.sessions import Credential
from app.errors import Unavailable
from app.graphql.failures import RequestError

MOST_SOCKETS_OF_A_CLIENT = 100
"""In one process."""
MOST_SOCKETS_WITHOUT_INIT = 200
"""In one process, of all who have not said yet who they are."""
MOST_SUBSCRIPTIONS_OF_A_CLIENT = 500
"""In one process, over all its sockets and streams."""
CHECK_EVERY_SECONDS = 0.5
"""How often a connection is looked at."""
KEEP_ALIVE_AFTER_SECONDS = 12.0
"""Silence after which a sign of life is sent. Proxies close what is silent for a minute, some after fifteen seconds."""
SLOW_AFTER_SECONDS = 10.0
"""A client that takes nothing for so long, though a message waits, is a slow reader."""
LAST_WORD_WITHIN_SECONDS = 10.0
"""A client has so long to take the message that ends its connection."""


@dataclass(frozen=True, slots=True)
class ConnectionEnd:
    """Why the registry ends a connection: the close code of a socket, and the error of a stream."""

    close: int
    code: str
    message: str
    """Also the reason of a socket's close message, which is English, as the protocol has it."""
    indonesian: str | None = None
    """Of those that a stream may end with."""

    @property
    def error(self) -> RequestError:
        return RequestError(self.message, self.code, self.indonesian)


TOKEN_ENDED = ConnectionEnd(
    4401,
    "INVALID_TOKEN",
    "The access token is expired or revoked",
    "Token akses kedaluwarsa atau dicabut",
)
RIGHTS_CHANGED = ConnectionEnd(
    4403,
    "FORBIDDEN",
    "What this client may do has changed: connect again",
    "Izin klien ini telah berubah: sambungkan lagi",
)
SLOW_READER = ConnectionEnd(
    4413,
    "SLOW_READER",
    "Nothing was read for too long: resume from your last cursor",
    "Terlalu lama tidak ada yang dibaca: lanjutkan dari kursor terakhir Anda",
)
TOO_MANY_SOCKETS = ConnectionEnd(4430, "TOO_MANY_SOCKETS", f"A client has {MOST_SOCKETS_OF_A_CLIENT} sockets at most")
RESTARTING = ConnectionEnd(
    1012,
    "RESTARTING",
    "The server restarts: resume from your last cursor",
    "Server dimulai ulang: lanjutkan dari kursor terakhir Anda",
)


class ConnectionGone(Exception):  # noqa: N818 - an outcome
    """The client is not there any more."""


class Connections:
    """The open connections of one process. `stopping` is set when the process is to end."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self.stopping = stopping
        self._sockets: Counter[str] = Counter()
        self._unknown_sockets: Counter[str] = Counter()
        self._subscriptions: Counter[str] = Counter()

    @contextmanager
    def socket(self, client: str) -> Iterator[bool]:
        """Whether the client may have one socket more. If so, the socket counts until this context is left."""
        with _one_more(self._sockets, client, MOST_SOCKETS_OF_A_CLIENT, "socket") as may:
            yield may

    @contextmanager
    def unknown_socket(self) -> Iterator[bool]:
        """Whether there may be one socket more of somebody unknown. It counts until this context is left."""
        with _one_more(self._unknown_sockets, "", MOST_SOCKETS_WITHOUT_INIT, "unknown_socket") as may:
            yield may

    @contextmanager
    def subscription(self, client: str) -> Iterator[None]:
        """Count a subscription of the client until this context is left. Raises `RequestError` when it has too many."""
        with _one_more(self._subscriptions, client, MOST_SUBSCRIPTIONS_OF_A_CLIENT, "subscription") as may:
            if not may:
                most = MOST_SUBSCRIPTIONS_OF_A_CLIENT
                words = f"A client has {most} subscriptions at most", f"Satu klien paling banyak {most} langganan"
                raise too_many(most, *words)
            yield


def too_many(most: int, english: str, indonesian: str) -> RequestError:
    return RequestError(english, "TOO_MANY_SUBSCRIPTIONS", indonesian, most=most)


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


class Line:
    """Carries messages to one client.

    A sender waits until there is room for its message, so at most one message of each sender waits in memory.
    """

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._waiting = 0
        self._since = monotonic()

    async def send(self, message: dict[str, Any]) -> None:
        """Raises `ConnectionGone`."""
        if not self._waiting:
            self._since = monotonic()
        self._waiting += 1
        try:
            await self._send(message)
        except (OSError, RuntimeError):
            # The server raises either of these when it has closed the connection by itself.
            raise ConnectionGone from None
        finally:
            self._waiting -= 1
            self._since = monotonic()

    @property
    def stalled_for(self) -> float:
        return monotonic() - self._since if self._waiting else 0.0

    @property
    def silent_for(self) -> float:
        return 0.0 if self._waiting else monotonic() - self._since


class ConnectionWatch:
    """Looks twice a second whether one connection may stay."""

    def __init__(
        self, connections: Connections, callers: Callers, credential: Credential, principal: Principal
    ) -> None:
        self._connections = connections
        self._callers = callers
        self._credential = credential
        self._principal = principal

    async def end(self, line: Line, keep_alive: Callable[[], Awaitable[None]]) -> ConnectionEnd:
        """Wait until the connection has to end, and say why."""
        while not await self._stopping_within(CHECK_EVERY_SECONDS):
            if line.stalled_for >= SLOW_AFTER_SECONDS:
                return SLOW_READER
            if end := await self._end_of_rights():
                return end
            if line.silent_for >= KEEP_ALIVE_AFTER_SECONDS:
                try:
                    async with asyncio.timeout(SLOW_AFTER_SECONDS):
                        await keep_alive()
                except TimeoutError:
                    return SLOW_READER
        return RESTARTING

    async def _stopping_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._connections.stopping.wait()
        return self._connections.stopping.is_set()

    async def _end_of_rights(self) -> ConnectionEnd | None:
        # By the true time, as the token was signed: an organizer may move the clock of its test registry.
        if clock.of_the_database() >= self._principal.expires_at:
            return TOKEN_ENDED
        try:
            principal = await self._callers.authenticate(
                self._credential, within=RECHECK_AFTER_SECONDS - CHECK_EVERY_SECONDS
            )
        except Unauthorized:
            return TOKEN_ENDED
        except Unavailable:
            # The database does not answer, so nobody knows. The next look asks again.
            return None
        return None if principal == self._principal else RIGHTS_CHANGED
