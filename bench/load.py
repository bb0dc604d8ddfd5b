"""A load generator: keep-alive HTTP/1.1 connections on loopback that send one prepared request after another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Target:
    """Where to send, and an endless supply of bodies."""

    name: str
    url: str
    bodies: Iterator[bytes]
    token: str | None = None
    refused: bytes = b'"errors"'
    """What stands in the body of an answer that is none."""


@dataclass
class Outcome:
    requests: int = 0
    failures: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Connection(asyncio.Protocol):
    """Sends the next request when the last one has been answered, until the time is over."""

    def __init__(self, target: Target, until: float, outcome: Outcome) -> None:
        self.target, self.until, self.outcome = target, until, outcome
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.sent_at = 0.0
        url = urlsplit(target.url)
        authorization = f"Authorization: Bearer {target.token}\r\n" if target.token else ""
        self.head = (
            f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
            f"{authorization}Content-Length: "
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        body = next(self.target.bodies)
        self.sent_at = time.perf_counter()
        self.transport.write(self.head + b"%d\r\n\r\n" % len(body) + body)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < content_length(head):
            return
        now = time.perf_counter()
        self.outcome.requests += 1
        self.outcome.latencies.append(now - self.sent_at)
        self.outcome.failures += not head.startswith(b"HTTP/1.1 200") or self.target.refused in body
        self.buffer = b""
        if now < self.until:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


class PacedConnection(Connection):
    """Sends each request at its time, or as soon as the last one has been answered. An answer's latency counts from the
    time at which its request was due: whoever waits behind a slow answer waits, too.
    """

    def __init__(self, target: Target, until: float, outcome: Outcome, first: float, every: float) -> None:
        super().__init__(target, until, outcome)
        self.due, self.every = first, every

    def send(self) -> None:
        now = time.perf_counter()
        if now < self.due:
            asyncio.get_running_loop().call_later(self.due - now, self.send)
            return
        super().send()
        self.sent_at, self.due = self.due, self.due + self.every


def content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0])


async def run(target: Target, *, connections: int, seconds: float, per_second: float | None = None) -> Outcome:
    """`per_second`: so many requests, however fast they are answered. None: as many as are answered."""
    outcome = Outcome()
    url = urlsplit(target.url)
    host, port = url.hostname or "", url.port or 80
    loop = asyncio.get_running_loop()
    started = time.perf_counter()

    def connection(number: int) -> Connection:
        if per_second is None:
            return Connection(target, started + seconds, outcome)
        first = started + number / per_second
        return PacedConnection(target, started + seconds, outcome, first, connections / per_second)

    opened = [await loop.create_connection(partial(connection, number), host, port) for number in range(connections)]
    await asyncio.gather(*(connection.done for _, connection in opened))
    outcome.seconds = time.perf_counter() - started
    return outcome
