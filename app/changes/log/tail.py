"""The live end of the change log: one reader of each process follows it, for all who follow it there.

Whoever joins from a cursor reads pages of the log until it is at the end, and takes its changes from the reader from
then on. Whoever falls behind reads pages again, so that what waits for it is never more than `MOST_WAITING`.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from contextlib import aclosing, contextmanager

import structlog

from app.changes.log import feed
from app.changes.log.feed import InvalidCursor, Item, Page, Position
from app.changes.log.wake import HELD_BACK, POLL, Wake
from app.db import Database
from app.errors import Unavailable

PAGE = 200
"""Changes that are read at a time."""
MOST_WAITING = 1_000
"""Changes that wait for one follower."""
PATIENCE = 10.0
"""Seconds that a follower which has fallen behind may take over one change."""
BREATH = 0.01
"""Seconds between two readings: the commits within them are read together."""
LONGEST_HELD_BACK = 0.16
"""Seconds between two looks at what an older transaction holds back for long."""

log = structlog.get_logger(__name__)


class SlowReader(Exception):  # noqa: N818 - an outcome
    """A follower did not take its changes in time. It may come back with the cursor of the last one it took."""


class Follower:
    """One of those for whom the reader reads."""

    def __init__(self, organizers: Collection[str] | None) -> None:
        self.organizers = organizers
        """Whose changes it gets. None: everyone's."""
        self.waiting: list[Item] = []
        self.behind = False
        """Too much waited for it and was let go: it has to read the log itself."""
        self.ended = False
        self.news = asyncio.Event()

    def catch_up(self) -> None:
        self.waiting, self.behind = [], False
        self.news.clear()

    def fall_behind(self) -> None:
        self.waiting, self.behind = [], True
        self.news.set()

    def end(self) -> None:
        self.ended = True
        self.fall_behind()

    async def take(self) -> list[Item]:
        """What came since; nothing if it fell behind."""
        await self.news.wait()
        self.news.clear()
        items, self.waiting = self.waiting, []
        return items


class Tail:
    """Of one process."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._followers: dict[str | None, set[Follower]] = defaultdict(set)
        """By organizer; under None, who follows everyone."""
        self._position: Position | None = None
        """Up to where the reader has read. None: nobody follows."""
        self._reading = asyncio.Event()
        """The position is known, or the end has come."""
        self._ended = False
        self._held_back = HELD_BACK / 2

    async def run(self, stop: asyncio.Event) -> None:
        """Read for the followers until `stop`, which ends them with `Unavailable`."""
        self._ended = False
        self._forget()
        try:
            while not stop.is_set():
                signal = self._wake.signal()
                within = await self._look()
                await asyncio.sleep(BREATH if within else 0)
                await self._wake.wait(signal, within)
        finally:
            self._ended = True
            self._end_everyone()
            self._reading.set()

    async def follow(self, organizers: Collection[str] | None, after: Position | None) -> AsyncGenerator[Item, None]:
        """The changes of some organizers, or (None) of all, behind a position, or (None) from now on.

        Raises `InvalidCursor`, `SlowReader`, and `Unavailable` when database or process go away.
        """
        follower = Follower(organizers)
        with self._following(follower):
            async with aclosing(self._items(follower, after)) as items:
                async for item in items:
                    given_at = time.monotonic()
                    yield item
                    if follower.behind and time.monotonic() - given_at > PATIENCE:
                        raise SlowReader

    async def _items(self, follower: Follower, after: Position | None) -> AsyncGenerator[Item, None]:
        await self._reading.wait()
        position = self._position if after is None else after
        while position is not None and not follower.ended:
            follower.catch_up()
            # It is read after whatever the reader has read by now: nothing lies between this page and what follows.
            page = await self._page(follower.organizers, position)
            for item in page.items:
                yield item
            position = page.end
            while not (page.more or follower.behind):
                for item in await follower.take():
                    if item.change.position > position:
                        position = item.change.position
                        yield item
        raise Unavailable

    @contextmanager
    def _following(self, follower: Follower) -> Iterator[None]:
        follower.ended = self._ended
        keys = [None] if follower.organizers is None else follower.organizers
        for key in keys:
            self._followers[key].add(follower)
        self._wake.rouse()
        try:
            yield
        finally:
            for key in keys:
                self._followers[key].discard(follower)
                if not self._followers[key]:
                    del self._followers[key]

    async def _look(self) -> float:
        """Read on; answers within how many seconds to look again."""
        if not self._followers:
            self._forget()
            return POLL
        try:
            return await self._read()
        except Unavailable:
            log.warning("tail.unavailable")
        except InvalidCursor:
            # The database is not the one that was read up to here. Whoever comes back with a cursor is told so.
            log.warning("tail.lost")
            self._end_everyone()
            self._forget()
        return POLL

    async def _read(self) -> float:
        if self._position is None:
            async with self._database.statements() as session:
                self._position = await feed.horizon(session)
            self._reading.set()
        page = await self._page(None, self._position)
        self._position = page.end
        self._hand_out(page.items)
        if page.more:
            return 0
        if page.items or not page.held_back:
            self._held_back = HELD_BACK / 2
        if not page.held_back:
            return POLL
        self._held_back = min(2 * self._held_back, LONGEST_HELD_BACK)
        return self._held_back

    def _hand_out(self, items: Sequence[Item]) -> None:
        everyones = self._followers.get(None, ())
        concerned: set[Follower] = set()
        for item in items:
            for follower in (*everyones, *self._followers.get(item.registrant.organizer, ())):
                if not follower.behind:
                    follower.waiting.append(item)
                    concerned.add(follower)
        for follower in concerned:
            if len(follower.waiting) > MOST_WAITING:
                follower.fall_behind()
            follower.news.set()

    def _forget(self) -> None:
        self._position = None
        self._reading.clear()

    def _end_everyone(self) -> None:
        for follower in set().union(*self._followers.values()):
            follower.end()

    async def _page(self, organizers: Collection[str] | None, after: Position) -> Page:
        async with self._database.statements() as session:
            return await feed.page(session, organizers, after, most=PAGE)
