"""Sends what is due to webhooks, many at once, few to each; any number of processes may do it.

The database is asked by one task, in short transactions; attempts are made beside it, in none.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from app import clock, metrics
from app.changes.log.wake import Wake
from app.changes.webhooks import events, outbox, signatures
from app.changes.webhooks.addresses import Resolver
from app.changes.webhooks.outbox import Landed, Leased
from app.changes.webhooks.posting import Outcome, Poster
from app.db import Database
from app.errors import Unavailable
from app.vault.vault import Vault

AT_ONCE = 100
"""In flight from one process: so many slow receivers there must be before others wait."""
POLL = 1.0
ENDS_WITHIN = 3.0
"""Seconds."""

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[Outcome]]

log = structlog.get_logger(__name__)


async def run(database: Database, vault: Vault, wake: Wake, stop: asyncio.Event, *, private: bool = False) -> None:
    """Send until `stop`."""
    if private:
        log.warning("webhooks.to_private", told="PEMUDIK_WEBHOOKS_TO_PRIVATE is for tests: they may go to any address")
    resolver = Resolver()
    poster = Poster(resolver, connections=AT_ONCE, private=private)
    try:
        await Sender(database, vault, poster.post).run(wake, stop)
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

    async def run(self, wake: Wake, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                signal = wake.signal()
                await self.turn()
                await self._wait(wake, signal)
        finally:
            await self._end()

    async def turn(self) -> None:
        """Record what has landed, and send what is due. A database that is away is asked again the next time."""
        self._landing.clear()
        try:
            await self._record()
            for one in await self._take():
                task = asyncio.create_task(self._fly(one))
                self._flights[task] = one
                task.add_done_callback(self._flights.pop)
        except Unavailable:
            log.warning("webhooks.unavailable")

    async def landed(self) -> None:
        """Until nothing is in flight."""
        if self._flights:
            await asyncio.wait(self._flights)

    async def _record(self) -> None:
        landed = self._landed[:]
        if landed:
            await self._database.attempt(lambda session: outbox.record(session, landed, self._now(), self._chance))
            del self._landed[: len(landed)]

    async def _take(self) -> list[Leased]:
        room = AT_ONCE - len(self._flights)
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
            outcome = await self._post(one.url, signatures.headers(one.id, secrets, body, began_at), body)
        except Exception:
            # Its lease runs out, and it is tried again.
            log.exception("webhook failed", delivery=str(one.id))
            return
        metrics.WEBHOOK_ATTEMPTS.labels(outcome.error or f"{(outcome.status or 0) // 100}xx").inc()
        self._landed.append(Landed(one, began_at, outcome))
        self._landing.set()

    async def _wait(self, wake: Wake, signal: asyncio.Event) -> None:
        """For news of the log, for what lands, or for a while."""
        news, landing = asyncio.create_task(wake.wait(signal, POLL)), asyncio.create_task(self._landing.wait())
        try:
            await asyncio.wait({news, landing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            landing.cancel()

    async def _end(self) -> None:
        """What has not landed in time is left to others at once."""
        flights = dict(self._flights)
        if flights:
            await asyncio.wait(flights, timeout=ENDS_WITHIN)
        late = {task: one for task, one in flights.items() if not task.done()}
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        # What cannot be written now is sent again when its lease has run out.
        with suppress(Unavailable):
            await self._record()
            if late:
                await self._database.attempt(lambda session: outbox.release(session, late.values()))
