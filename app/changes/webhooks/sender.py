"""Sends the deliveries that are due: many at once, few of them to one webhook. Any number of processes may do it.

One task asks the database, in short transactions. Each attempt is a task beside it, and runs in no transaction.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from app import clock, metrics
from app.changes.log.wake import DUTIES_GATHER_SECONDS
from app.changes.webhooks import events, outbox, signatures
from app.changes.webhooks.addresses import Resolver
from app.changes.webhooks.outbox import Landed, Leased
from app.changes.webhooks.posting import AttemptOutcome, Poster
from app.db import Database
from app.errors import Unavailable
from app.vault.vault import Vault

MOST_IN_FLIGHT = 100
"""Attempts of one process at the same time. Only behind so many slow receivers do others wait."""
POLL_SECONDS = 1.0
"""After so long the sender looks again by itself: retries become due without any news of the log."""
END_WITHIN_SECONDS = 3.0
"""When the process ends, attempts in flight have so long."""

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[AttemptOutcome]]

logger = structlog.get_logger(__name__)


async def run(database: Database, vault: Vault, stop: asyncio.Event, *, private: bool = False) -> None:
    """Send until `stop`."""
    if private:
        logger.warning(
            "webhooks.to_private", told="PEMUDIK_WEBHOOKS_TO_PRIVATE is for tests: they may go to any address"
        )
    resolver = Resolver()
    poster = Poster(resolver, connections=MOST_IN_FLIGHT, private=private)
    try:
        await Sender(database, vault, poster.post).run(stop)
    finally:
        await poster.close()
        resolver.close()


class Sender:
    """What one process has in flight."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        post: Post,
        *,
        now: Callable[[], datetime] = clock.now,
        chance: Callable[[], float] = random.random,
        lease: timedelta = outbox.LEASE,
    ) -> None:
        self._database = database
        self._vault = vault
        self._post = post
        self._now = now
        self._chance = chance
        self._lease = lease
        self._flights: dict[asyncio.Task[None], Leased] = {}
        self._landed: list[Landed] = []
        self._landing = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                # The signal comes first: a commit after this line wakes us, even if `turn` has already looked.
                signal = self._database.followers.signal()
                await self.turn()
                await self._wait(signal)
                # Meanwhile what was committed is announced, and what lands or comes is taken together.
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), DUTIES_GATHER_SECONDS)
        finally:
            await self._end()

    async def turn(self) -> None:
        """Write the outcomes of landed attempts, and send what is due. If the database is away, the next turn does."""
        self._landing.clear()
        try:
            await self._write_outcomes()
            for one in await self._take():
                task = asyncio.create_task(self._fly(one))
                self._flights[task] = one
                task.add_done_callback(self._flights.pop)
        except Unavailable:
            logger.warning("webhooks.unavailable")

    async def landed(self) -> None:
        """Wait until nothing is in flight."""
        if self._flights:
            await asyncio.wait(self._flights)

    async def _write_outcomes(self) -> None:
        landed = self._landed[:]
        if landed:
            await self._database.attempt(
                lambda session: outbox.write_outcomes(session, landed, self._now(), self._chance)
            )
            del self._landed[: len(landed)]

    async def _take(self) -> list[Leased]:
        room = MOST_IN_FLIGHT - len(self._flights)
        if room <= 0:
            return []
        return await self._database.attempt(
            lambda session: outbox.lease(session, self._now(), most=room, lasting=self._lease)
        )

    async def _fly(self, one: Leased) -> None:
        try:
            began_at = self._now()
            body = events.payload(one.event, one.change, one.at, own=one.own)
            secrets = [self._vault.open_secret(secret) for secret in one.secrets]
            headers = signatures.headers(one.id, secrets, body, clock.unmoved(began_at))
            outcome = await self._post(one.url, headers, body)
        except Exception:
            # A bug of ours. The lease of this delivery runs out, and then it is tried again.
            logger.exception("webhook failed", delivery=str(one.id))
            return
        metrics.WEBHOOK_ATTEMPTS.labels(outcome.error or f"{(outcome.status or 0) // 100}xx").inc()
        self._landed.append(Landed(one, began_at, outcome))
        self._landing.set()

    async def _wait(self, signal: asyncio.Event) -> None:
        """Wait until the log has news, or an attempt lands, or `POLL_SECONDS` are over."""
        news, landing = (
            asyncio.create_task(self._database.followers.wait(signal, POLL_SECONDS)),
            asyncio.create_task(self._landing.wait()),
        )
        try:
            await asyncio.wait({news, landing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            landing.cancel()

    async def _end(self) -> None:
        """Wait a little for the attempts in flight. Those that do not land in time are left to others at once."""
        flights = dict(self._flights)
        if flights:
            await asyncio.wait(flights, timeout=END_WITHIN_SECONDS)
        late = {task: one for task, one in flights.items() if not task.done()}
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        # If the database is away now, these are sent again when their leases have run out.
        with suppress(Unavailable):
            await self._write_outcomes()
            if late:
                await self._database.attempt(lambda session: outbox.release(session, late.values()))
