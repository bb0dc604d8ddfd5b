"""One attempt of one delivery: a POST that goes to the endpoint and nowhere else, and its outcome.

No redirect is followed, and no proxy of the environment is used. Of an answer's body a little is read and thrown away.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpcore

from app.changes.webhooks.addresses import AddressRefused, NameNotFound, PublicNetwork, Resolve, TlsFailed
from app.errors import InvalidValue
from app.models.enums import DeliveryError
from app.registry.webhooks import endpoint
from app.registry.webhooks.endpoint import PORTS, Endpoint

ATTEMPT_WITHIN_SECONDS = 15.0
CONNECT_WITHIN_SECONDS = 5.0
BODY_WITHIN_SECONDS = 1.0
"""The status is the answer: a body that arrives slowly does not change it."""
MOST_BODY_BYTES = 4096
MOST_IDLE_CONNECTIONS = 20
IDLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    duration_ms: int
    status: int | None = None
    error: DeliveryError | None = None
    retry_after: str | None = None
    """The header as it came."""

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Poster:
    """The connections of one process to its receivers. `within` seconds an attempt ends. `private`: for tests."""

    def __init__(
        self,
        resolve: Resolve,
        *,
        connections: int,
        private: bool = False,
        tls: ssl.SSLContext | None = None,
        within: float = ATTEMPT_WITHIN_SECONDS,
    ) -> None:
        self._private = private
        self._within = within
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or httpcore.default_ssl_context(),
            max_connections=connections,
            max_keepalive_connections=MOST_IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=PublicNetwork(resolve, private=private),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> AttemptOutcome:
        began = time.monotonic()
        to = endpoint.parse(url, private=self._private)
        if isinstance(to, InvalidValue):
            return AttemptOutcome(0, error=DeliveryError.URL_REFUSED)
        try:
            async with asyncio.timeout(self._within):
                status, retry_after = await self._answered(to, headers, body)
        except (TimeoutError, httpcore.TimeoutException, *_ERRORS) as failure:
            return AttemptOutcome(_since(began), error=_error(failure))
        return AttemptOutcome(_since(began), status, retry_after=retry_after)

    async def _answered(self, to: Endpoint, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None]:
        host = to.host if to.port == PORTS[to.scheme] else f"{to.host}:{to.port}"
        async with self._pool.stream(
            "POST",
            httpcore.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.target),
            headers=[("Host", host), *headers.items()],
            content=body,
            extensions={"timeout": {"connect": CONNECT_WITHIN_SECONDS, "read": self._within, "write": self._within}},
        ) as response:
            await _read_a_little(response)
            return response.status, _header(response, b"retry-after")

    async def close(self) -> None:
        await self._pool.aclose()


_ERRORS = (
    OSError,
    NameNotFound,
    AddressRefused,
    TlsFailed,
    httpcore.NetworkError,
    httpcore.ProtocolError,
)


def _error(failure: Exception) -> DeliveryError:
    if isinstance(failure, NameNotFound | AddressRefused):
        # Told alike: an organizer must not learn which names there are in the network of the registry.
        return DeliveryError.NAME_NOT_FOUND
    if isinstance(failure, (TimeoutError, httpcore.TimeoutException)):
        return DeliveryError.TIMEOUT
    if isinstance(failure, TlsFailed):
        return DeliveryError.TLS_FAILED
    if isinstance(failure, httpcore.ConnectError):
        return DeliveryError.CONNECT_FAILED
    return DeliveryError.BROKEN_ANSWER


async def _read_a_little(response: httpcore.Response) -> None:
    """A short body is read to its end: only then can the connection be used again."""
    read = 0
    with suppress(TimeoutError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout(BODY_WITHIN_SECONDS):
            async for part in response.aiter_stream():
                read += len(part)
                if read > MOST_BODY_BYTES:
                    break


def _header(response: httpcore.Response, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), None)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
