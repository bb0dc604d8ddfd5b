"""Which addresses a webhook may be sent to: public ones, and only those that were judged here.

The name is resolved here, each of its addresses is judged, and the connection goes to a judged address. TLS and the
Host header keep the name. So nothing changes when the name resolves to another address a moment later.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, in the order in which they are tried. Raises `OSError`."""

MOST_ADDRESSES_TRIED = 4
MOST_ANSWER_BYTES = 128 * 1024
"""Of status, headers and the little that is read of a body. More is no answer of a receiver."""
MOST_BYTES_AT_ONCE = 4 * 1024
"""Of one read: as much as is worked off in some milliseconds."""
RESOLVER_THREADS = 16
"""A name server that is slow for one name blocks one thread: not the database's lookups, nor those of other names."""

# IANA's special-purpose registries and multicast. Any address outside of them may be sent to. Python's `is_global` is
# no help: it depends on the version of Python, and it lets relays pass.
_NOT_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        # A cloud's host service, which has a public address.
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
# The only part of IPv6 that the public uses. Mapped, compatible and translated (NAT64) addresses lie outside of it.
_PUBLIC_V6 = IPv6Network("2000::/3")
_NOT_V6 = tuple(
    IPv6Network(network)
    for network in (
        # Teredo, ORCHID, benchmarks and other protocols.
        "2001::/23",
        "2001:db8::/32",
        # 6to4: such an address holds an IPv4 address.
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""The third quarter of an ISATAP address. Packets go to the IPv4 address in the last quarter."""


class NameNotFound(Exception):  # noqa: N818 - an outcome of one attempt
    """The name has no address."""


class AddressRefused(Exception):  # noqa: N818 - an outcome of one attempt
    """One of the name's addresses is not public."""


class TlsFailed(Exception):  # noqa: N818 - an outcome of one attempt
    """There is no trusted certificate of that name, or no TLS at all."""


def is_public(address: str) -> bool:
    """An address with a zone (`fe80::1%eth0`) is not public."""
    try:
        given = ip_address(address)
    except ValueError:
        return False
    return _is_public_v4(given) if isinstance(given, IPv4Address) else _is_public_v6(given)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in _NOT_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _PUBLIC_V6:
        return False
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return False
    return not any(address in network for network in _NOT_V6)


class Resolver:
    """Asks the operating system, in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only. `private`: for tests, to any."""

    def __init__(self, resolve: Resolve, *, private: bool = False) -> None:
        self._resolve = resolve
        self._private = private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._judged(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        share = None if timeout is None else timeout / len(addresses)
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _Stream(await self._network.connect_tcp(address, port, share, local_address, socket_options))
        return _Stream(await self._network.connect_tcp(addresses[-1], port, share, local_address, socket_options))

    async def _judged(self, host: str, port: int) -> Sequence[str]:
        """The addresses to try. If one of them may not be connected to, none is."""
        try:
            addresses = await self._resolve(host, port)
        except OSError:
            raise NameNotFound from None
        if not addresses:
            raise NameNotFound
        if not self._private and not all(is_public(address) for address in addresses):
            raise AddressRefused
        return addresses[:MOST_ADDRESSES_TRIED]


class _Stream(httpcore.AsyncNetworkStream):
    """Raises `TlsFailed` for a handshake that fails. httpcore raises the same error as for a connection that fails.

    Reads little at once, and little in answer to one request: without these bounds a flood of answers of class 1xx
    would be read until the attempt's time is over, and each read of 64 kB of them is 100 milliseconds of work.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._read = 0
        """Bytes since we wrote something."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        if self._read > MOST_ANSWER_BYTES:
            raise httpcore.ReadError("The answer is too long.")
        read = await self._stream.read(min(max_bytes, MOST_BYTES_AT_ONCE), timeout)
        self._read += len(read)
        return read

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        self._read = 0
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except httpcore.ConnectError:
            raise TlsFailed from None
