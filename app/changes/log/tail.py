"""The live end of the change log. In each process one reader follows the log, for all followers of that process.

The reader (`Tail.run`) waits for a signal of `app.db.Followers`, reads what is new, and hands each change to the
followers that it concerns. A follower (`Tail.follow`) reads pages of the log by itself until it is at the end. From
then on it waits for the reader's changes. A follower that is too slow falls behind: it reads pages again, so that never
more than `MOST_WAITING` changes wait for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager, nullcontext

import structlog

from app.changes.log import feed
from app.changes.log.feed import FeedItem, FeedPage, Gone, Position
from app.changes.log.wake import HELD_BACK_SECONDS, POLL_SECONDS
from app.db import Database
from app.errors import Unavailable

PAGE_SIZE = 200
"""Changes that are read at a time."""
MOST_WAITING = 1_000
"""Changes that wait for one follower."""
SLOW_AFTER_SECONDS = 10.0
"""A follower that has fallen behind may take so long over one change."""
GATHER_SECONDS = 0.01
"""The tail waits this long between two reads. So commits within this time are read together."""
LONGEST_HELD_BACK_SECONDS = 0.16
"""The longest pause between two looks at a change that an older transaction holds back."""

Turn = Callable[[], AbstractAsyncContextManager[None]]
"""Waits until it is this follower's turn, and holds the turn."""

logger = structlog.get_logger(__name__)


class SlowReader(Exception):  # noqa: N818 - an outcome
    """A follower did not take its changes in time. It may come back with the cursor of the last one it took."""


class Follower:
    """One of those for whom the reader reads. The reader fills `waiting`; the follower takes it out."""

    def __init__(self, organizers: Collection[str] | None) -> None:
        self.organizers = organizers
        """Whose changes it gets. None: everyone's."""
        self.waiting: list[FeedItem] = []
        self.behind = False
        """Too many changes waited and were dropped: it has to read the log itself."""
        self.ended = False
        self.news = asyncio.Event()
        """The reader sets it when something waits, when the follower falls behind, and when it is ended."""

    def catch_up(self) -> None:
        self.waiting, self.behind = [], False
        self.news.clear()

    def fall_behind(self) -> None:
        self.waiting, self.behind = [], True
        self.news.set()

    def end(self) -> None:
        self.ended = True
        self.fall_behind()

    async def take(self) -> list[FeedItem]:
        """Wait for the reader, then take what it has put here: nothing if the follower fell behind."""
        await self.news.wait()
        self.news.clear()
        items, self.waiting = self.waiting, []
        return items


class Tail:
    """The tail of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followers_of_the_log = database.followers
        self.followers: dict[str | None, set[Follower]] = defaultdict(set)
        """By organizer. Under None are those who follow everyone."""
        self.position: Position | None = None
        """Up to where the reader has read. None: nobody follows, so nobody reads."""
        self._reading = asyncio.Event()
        """New followers wait for it. It is set when the position is known, or when the reader has ended."""
        self._ended = False
        self._held_back_seconds = HELD_BACK_SECONDS / 2

    async def run(self, stop: asyncio.Event) -> None:
        """Read for the followers until `stop`. Then the followers end with `Unavailable`."""
        self._ended = False
        self._forget()
        try:
            while not stop.is_set():
                # The signal comes first: a commit after this line wakes us, even if `_look` has already read.
                signal = self._followers_of_the_log.signal()
                seconds = await self._look()
                await asyncio.sleep(GATHER_SECONDS if seconds else 0)
                await self._followers_of_the_log.wait(signal, seconds)
        finally:
            self._ended = True
            self._end_everyone()
            self._reading.set()

    async def follow(
        self, organizers: Collection[str] | None, after: Position | None, turn: Turn = nullcontext
    ) -> AsyncGenerator[FeedItem, None]:
        """The changes of some organizers, or (None) of all. They begin behind a position, or (None) now.

        Whoever is not at the end of the log reads each page in a `turn`. Raises `Gone`, `SlowReader`, and
        `Unavailable` when database or process go away.
        """
        follower = Follower(organizers)
        with self._following(follower):
            async with aclosing(self._items(follower, after, turn)) as items:
                async for item in items:
                    given_at = time.monotonic()
                    yield item
                    if follower.behind and time.monotonic() - given_at > SLOW_AFTER_SECONDS:
                        raise SlowReader

    async def _items(self, follower: Follower, after: Position | None, turn: Turn) -> AsyncGenerator[FeedItem, None]:
        await self._reading.wait()
        position = self.position if after is None else after
        while position is not None and not follower.ended:
            follower.catch_up()
            # This page is read later than all that the reader has read by now. So nothing is lost between the page and
            # what the reader hands out next.
            async with turn():
                page = await self._page(follower.organizers, position)
            for item in page.items:
                yield item
                # A socket takes so little at once: without this line, a page would be one step of the process.
                await asyncio.sleep(0)
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
            self.followers[key].add(follower)
        # The reader sleeps while nobody follows: it is to read at once.
        self._followers_of_the_log.rouse()
        try:
            yield
        finally:
            for key in keys:
                self.followers[key].discard(follower)
                if not self.followers[key]:
                    del self.followers[key]

    async def _look(self) -> float:
        """Read on. Answers after how many seconds to look again."""
        if not self.followers:
            self._forget()
            return POLL_SECONDS
        try:
            return await self._read()
        except Unavailable:
            logger.warning("tail.unavailable")
        except Gone:
            # This is not the history that was read up to here. A follower that comes back with a cursor is told so.
            logger.warning("tail.lost")
            self._end_everyone()
            self._forget()
        return POLL_SECONDS

    async def _read(self) -> float:
        if self.position is None:
            async with self._database.statements() as session:
                self.position = await feed.horizon(session)
            self._reading.set()
        page = await self._page(None, self.position)
        self.position = page.end
        self._hand_out(page.items)
        if page.more:
            return 0
        return self._seconds_to_next_look(page)

    def _seconds_to_next_look(self, page: FeedPage) -> float:
        """The longer one transaction holds back others, the more seldom the reader looks whether it has ended."""
        if page.items or not page.held_back:
            self._held_back_seconds = HELD_BACK_SECONDS / 2
        if not page.held_back:
            return POLL_SECONDS
        self._held_back_seconds = min(2 * self._held_back_seconds, LONGEST_HELD_BACK_SECONDS)
        return self._held_back_seconds

    def _hand_out(self, items: Sequence[FeedItem]) -> None:
        everyones = self.followers.get(None, ())
        concerned: set[Follower] = set()
        for item in items:
            for follower in (*everyones, *self.followers.get(item.registrant.organizer, ())):
                if not follower.behind:
                    follower.waiting.append(item)
                    concerned.add(follower)
        for follower in concerned:
            if len(follower.waiting) > MOST_WAITING:
                follower.fall_behind()
            follower.news.set()

    def _forget(self) -> None:
        self.position = None
        self._reading.clear()

    def _end_everyone(self) -> None:
        for follower in set().union(*self.followers.values()):
            follower.end()

    async def _page(self, organizers: Collection[str] | None, after: Position) -> FeedPage:
        async with self._database.statements() as session:
            return await feed.page(session, organizers, after, most=PAGE_SIZE)
