"""Whoever guesses is slowed: failed authentications of one client, and of one address, beyond 20 within a minute.

Only a failure waits. A right secret is answered at once, however often somebody else guessed: nobody can lock a client
out. Each process counts by itself, so with N workers it is N times as many.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

MOST_FAILURES = 20
FAILURES_COUNT_FOR_SECONDS = 60.0
SLOWED_BY_SECONDS = 5.0
"""After too many failures, the answer to a failure comes so much later."""
MOST_KEYS = 10_000
"""Clients and addresses that are remembered. Those that failed longest ago are forgotten first."""

Network = IPv4Network | IPv6Network
Sleep = Callable[[float], Awaitable[object]]


class Failures:
    """A process has one. `proxies` are those whose X-Forwarded-For is believed: without any, no address is counted."""

    def __init__(
        self,
        proxies: Sequence[Network] = (),
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._proxies = proxies
        self._monotonic = monotonic
        self._sleep = sleep
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    async def note(self, request: Request, client_id: str) -> None:
        """A failure of this client, from this address. It waits if there were too many."""
        address = self._address(request)
        keys = [f"client {client_id}", *([] if address is None else [f"address {address}"])]
        # Both are counted, also when the client alone has failed too often: so `max`, which calls `_count` for each.
        if max(map(self._count, keys)) > MOST_FAILURES:
            await self._sleep(SLOWED_BY_SECONDS)

    def _count(self, key: str) -> int:
        now = self._monotonic()
        times = self._failed.setdefault(key, deque(maxlen=MOST_FAILURES + 1))
        self._failed.move_to_end(key)
        times.append(now)
        while times[0] <= now - FAILURES_COUNT_FOR_SECONDS:
            times.popleft()
        if len(self._failed) > MOST_KEYS:
            self._failed.popitem(last=False)
        return len(times)

    def _address(self, request: Request) -> str | None:
        """Who called the outermost of our proxies. Whoever calls past them could write any address."""
        peer = request.client.host if request.client else ""
        if not self._is_proxy(peer):
            return None
        named = [one.strip() for one in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
        outside = next((one for one in reversed(named) if not self._is_proxy(one)), None)
        return _line_of(outside) if outside is not None and _is_address(outside) else None

    def _is_proxy(self, text: str) -> bool:
        return _is_address(text) and any(ip_address(text) in network for network in self._proxies)


def _line_of(text: str) -> str:
    """An address. Of IPv6 its network of 64 bits: whoever has one such address has all of them."""
    address = ip_address(text)
    return str(IPv6Network((int(address), 64), strict=False)) if isinstance(address, IPv6Address) else text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
