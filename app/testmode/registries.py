"""The test registries that serve in this process: each starts with its first request, and ends when nobody asks it.

At most `MOST_SERVING` serve at a time. Each has up to six connections to its database.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress

import structlog

from app.config import Settings
from app.db import AWAY
from app.errors import Unavailable
from app.server.turns import Turns
from app.testmode import making, running
from app.testmode.control import LEFT_FOR_SECONDS, Control, ListedRegistry
from app.testmode.running import Assemble, Running, Shared
from app.testmode.schema import test_schema

MOST_SERVING = 6
IDLE_SECONDS = 600.0
LOOK_EVERY_SECONDS = 2.0
COME_BACK_AFTER_SECONDS = 5

logger = structlog.get_logger(__name__)


class NoTestRegistry(Exception):  # noqa: N818 - an answer
    """The organizer has none: its first test client makes it."""


class Registries:
    """A process has one. `turns` and `stopping` are those of the live registry."""

    def __init__(self, settings: Settings, assemble: Assemble, turns: Turns, stopping: asyncio.Event) -> None:
        assert settings.uji_database_url is not None  # noqa: S101 - test mode has one
        self.control = Control(settings.uji_database_url.get_secret_value())
        self._settings, self._assemble, self._turns, self._stopping = settings, assemble, turns, stopping
        self._serving: dict[str, Running] = {}
        self._starting: dict[str, asyncio.Lock] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._drop_at = math.inf
        """When databases that resets have left are dropped."""

    @asynccontextmanager
    async def lent(self, organizer: str, *, is_stream: bool = False) -> AsyncIterator[Running]:
        """The test registry of `organizer`, as it is listed now. Raises `NoTestRegistry`, `Unavailable`."""
        listed = await self._found(organizer)
        with ExitStack() as stack:
            async with self._starting.setdefault(organizer, asyncio.Lock()):
                if not self._serves(listed):
                    # Whoever waited for the lock may have looked before a reset.
                    listed = await self._found(organizer)
                one = await self._serving_as(listed)
                # Before the lock is given back: nobody ends a test registry that has a request.
                stack.enter_context(one.request(is_stream=is_stream))
            yield one

    async def keep(self) -> None:
        """End those that nobody asks, and those that were reset."""
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            now = time.monotonic()
            if self._stopping.is_set():
                for one in self._serving.values():
                    one.end_streams()
            for one in [*self._serving.values()]:
                if one.is_replaced or (not one.requests and now - one.used_at > IDLE_SECONDS):
                    self._end(one)
            if now >= self._drop_at:
                self._drop_at = math.inf
                with suppress(*AWAY, Unavailable):
                    await making.drop_strays(self.control.url)

    async def end(self) -> None:
        for one in [*self._serving.values()]:
            self._end(one)
        await asyncio.gather(*self._ending)
        await self.control.close()

    async def _found(self, organizer: str) -> ListedRegistry:
        listed = await self.control.find(organizer)
        if listed is None:
            raise NoTestRegistry
        return listed

    def _serves(self, listed: ListedRegistry) -> bool:
        one = self._serving.get(listed.organizer)
        return one is not None and one.serves and one.listed.database == listed.database

    async def _serving_as(self, listed: ListedRegistry) -> Running:
        one = self._serving.get(listed.organizer)
        if one is not None and not self._serves(listed):
            one.is_replaced = one.listed.database != listed.database
            self._end(one)
            one = None
        if one is None:
            self._make_room()
            one = await self._started(listed)
        one.follow(listed)
        return one

    async def _started(self, listed: ListedRegistry) -> Running:
        shared = Shared(self._turns, self._stopping, await asyncio.to_thread(test_schema))
        try:
            one = await running.started(listed, self.control, self._settings, self._assemble, shared)
        except making.MakingFailed:
            raise Unavailable(COME_BACK_AFTER_SECONDS) from None
        self._serving[listed.organizer] = one
        logger.info("test_registry.started", organizer=listed.organizer)
        return one

    def _make_room(self) -> None:
        """Raises `Unavailable`: all that serve have a request.

        Streams do not count: a few that are left open would keep everybody else out. They are told to come again.
        """
        if len(self._serving) < MOST_SERVING:
            return
        idle = [one for one in self._serving.values() if one.requests == one.streams]
        if not idle:
            raise Unavailable(COME_BACK_AFTER_SECONDS)
        self._end(min(idle, key=lambda one: (one.streams > 0, one.used_at)))

    def _end(self, one: Running) -> None:
        if self._serving.get(one.organizer) is one:
            del self._serving[one.organizer]
        ending = asyncio.create_task(self._ended(one))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _ended(self, one: Running) -> None:
        await one.end()
        logger.info("test_registry.ended", organizer=one.organizer)
        if one.is_replaced:
            self._drop_at = time.monotonic() + LEFT_FOR_SECONDS + 1
