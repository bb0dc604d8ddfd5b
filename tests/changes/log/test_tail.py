"""The tail: one reader for all followers of a process, bounded, and exact from any cursor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager, suppress
from typing import Any
from uuid import UUID

import pytest

from app.changes.log import feed, tail, wake
from app.changes.log.feed import START, FeedItem, Gone, Position
from app.changes.log.tail import SlowReader, Tail
from app.errors import Unavailable
from tests import queries
from tests.changes.conftest import process, settled, tell
from tests.patience import patience
from tests.queries import Runs
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, World, someone

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _nobody_waits_to_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes in these tests comes because it was told of."""
    monkeypatch.setattr(tail, "POLL_SECONDS", 60.0)


@pytest.fixture
async def one(world: World) -> UUID:
    registrant = (await world.registered(someone(HUBDAT, await world.route()))).id
    await settled(world)
    return registrant


async def take(items: AsyncGenerator[FeedItem, None], count: int) -> list[str | None]:
    """The reasons of the next so many."""
    async with patience():
        return [(await anext(items)).change.reason for _ in range(count)]


def follow(
    tail: Tail, after: Position | None = START, organizers: Collection[str] | None = ("hubdat",)
) -> aclosing[AsyncGenerator[FeedItem, None]]:
    return aclosing(tail.follow(organizers, after))


async def started(tail: Tail, count: int = 1) -> None:
    async with patience():
        while not (tail.position and sum(map(len, tail.followers.values())) >= count):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@contextmanager
def readings(world: World) -> Iterator[list[str]]:
    """Pages of the log that are asked for inside."""
    asked: list[str] = []

    async def note(sql: str, runs: Runs) -> Any:
        if "held_back" in sql:
            asked.append(sql)
        return await runs()

    with queries.around(note):
        yield asked


async def test_from_a_cursor_first_what_was_and_then_what_is(world: World, one: UUID) -> None:
    await tell(world, one, *"abc")
    async with process(world.database) as here, follow(here.tail) as items:
        assert await take(items, 4) == [None, *"abc"]
        for reason in "def":
            await tell(world, one, reason)
            assert await take(items, 1) == [reason]
        await tell(world, one, *"gh")
        last = await anext(items)
        assert last.change.reason == "g"
        async with follow(here.tail, last.change.position) as resumed:
            assert await take(resumed, 1) == ["h"]


async def test_from_now_on(world: World, one: UUID) -> None:
    await tell(world, one, "before")
    await settled(world)
    async with process(world.database) as here, follow(here.tail, None) as items:
        first = asyncio.ensure_future(anext(items))
        await started(here.tail)
        await tell(world, one, "after")
        assert (await first).change.reason == "after"


async def test_everyone_gets_its_own_in_the_order_of_the_log(world: World) -> None:
    people = {
        caller.organizer: (
            await world.registered(someone(caller, await world.route(organizer=caller.organizer), place))
        ).id
        for place, caller in enumerate((JASA_RAHARJA, BUMN, DJKA))
    }
    await settled(world)
    async with process(world.database) as here:
        followed = [JASA_RAHARJA.organizers, BUMN.organizers, DJKA.organizers, HUBDAT.organizers, None]
        followers = [asyncio.ensure_future(collect(here.tail, organizers, "end")) for organizers in followed]
        await started(here.tail, 6)
        for number in range(4):
            for organizer, registrant in people.items():
                await tell(world, registrant, f"{organizer} {number}", organizer=organizer)
        for organizer, registrant in people.items():
            await tell(world, registrant, "end", organizer=organizer)
        nobodys = followers.pop(3)
        async with patience():
            taken = await asyncio.gather(*followers)
        assert not nobodys.done()
        nobodys.cancel()
        with suppress(asyncio.CancelledError):
            await nobodys
    order = [f"{organizer} {number}" for number in range(4) for organizer in people]
    assert taken == [
        [reason for reason in order if reason.split()[0] in JASA_RAHARJA.organizers],
        [reason for reason in order if reason.startswith("bumn-satu")],
        [reason for reason in order if reason.startswith("djka")],
        order,
    ]


async def collect(tail: Tail, organizers: Collection[str] | None, until: str) -> list[str]:
    seen: list[str] = []
    async with follow(tail, None, organizers) as items:
        async for item in items:
            if item.change.reason == until and item.registrant.organizer != "jasa-raharja":
                break
            if item.change.reason != until:
                seen.append(str(item.change.reason))
    return seen


async def test_a_burst_is_read_once_for_all_followers(world: World, one: UUID) -> None:
    async with process(world.database) as here, AsyncExitStack() as stack:
        reads = stack.enter_context(readings(world))
        followers = [await stack.enter_async_context(follow(here.tail)) for _ in range(40)]
        for items in followers:
            assert await take(items, 1) == [None]
        started_at, before = time.monotonic(), len(reads)
        await tell(world, one, *"abcdef")
        assert [await take(items, 6) for items in followers] == [list("abcdef")] * 40
        assert reads
        # It is read again while what runs in another database holds it back.
        assert len(reads) - before < 20 + (time.monotonic() - started_at) / tail.LONGEST_HELD_BACK_SECONDS


async def test_while_nobody_follows_nothing_is_read(world: World, one: UUID) -> None:
    async with process(world.database) as here:
        async with follow(here.tail) as items:
            assert await take(items, 1) == [None]
        with readings(world) as reads:
            for reason in "abc":
                await tell(world, one, reason)
                await asyncio.sleep(0.02)
        assert reads == []
        assert (here.tail.position, here.tail.followers) == (None, {})


async def test_what_an_older_transaction_holds_back_comes_soon_after_it_ended(world: World, one: UUID) -> None:
    """Nobody tells of a transaction that changed nothing."""
    async with process(world.database) as here, follow(here.tail) as items:
        assert await take(items, 1) == [None]
        async with world.database.transaction() as older:
            await queries.run(older, "SELECT pg_current_xact_id()")
            await tell(world, one, "held back")
            following = asyncio.ensure_future(anext(items))
            await asyncio.sleep(0.3)
            assert not following.done()
        async with patience():
            assert (await following).change.reason == "held back"


# --- followers that do not keep up ------------------------------------------------------------------------------------


async def test_who_falls_behind_reads_the_log_itself_and_misses_nothing(
    world: World, one: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "MOST_WAITING", 5)
    monkeypatch.setattr(tail, "PAGE_SIZE", 3)
    reasons = [str(number) for number in range(40)]
    async with process(world.database) as here, follow(here.tail) as lazy, follow(here.tail) as eager:
        assert await take(lazy, 1) == [None]
        assert await take(eager, 1) == [None]
        taking = asyncio.ensure_future(take(eager, 40))
        for reason in reasons:
            await tell(world, one, reason)
        assert await taking == reasons
        [[*followers]] = here.tail.followers.values()
        assert sorted(follower.behind for follower in followers) in ([False, True], [True, True])
        assert max(len(follower.waiting) for follower in followers) <= 5
        assert await take(lazy, 40) == reasons
        await tell(world, one, "and on")
        assert await take(lazy, 1) == ["and on"]


async def test_who_is_behind_and_too_slow_is_cut_off_and_can_come_back(
    world: World, one: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "MOST_WAITING", 5)
    monkeypatch.setattr(tail, "SLOW_AFTER_SECONDS", 0.0)
    reasons = [str(number) for number in range(10)]
    async with process(world.database) as here:
        async with follow(here.tail) as items:
            last = await anext(items)
            await tell(world, one, *reasons)
            [[follower]] = here.tail.followers.values()
            async with patience():
                while not follower.behind:  # noqa: ASYNC110 - nothing is said of it
                    await asyncio.sleep(0.001)
            with pytest.raises(SlowReader):
                await anext(items)
        monkeypatch.setattr(tail, "SLOW_AFTER_SECONDS", 10.0)
        async with follow(here.tail, last.change.position) as items:
            assert await take(items, 10) == reasons


async def test_who_takes_its_time_over_little_is_not_cut_off(
    world: World, one: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "SLOW_AFTER_SECONDS", 0.0)
    async with process(world.database) as here, follow(here.tail) as items:
        assert await take(items, 1) == [None]
        await tell(world, one, *"abc")
        await asyncio.sleep(0.05)
        assert await take(items, 3) == list("abc")


# --- when something goes away -----------------------------------------------------------------------------------------


async def test_the_end_of_the_process_ends_its_followers(world: World, one: UUID) -> None:
    async with process(world.database) as here, follow(here.tail) as items, follow(here.tail) as late:
        assert await take(items, 1) == [None]
        following = asyncio.ensure_future(anext(items))
        here.stop.set()
        world.database.followers.tell()
        async with patience():
            with pytest.raises(Unavailable):
                await following
            with pytest.raises(Unavailable):
                await anext(late)
    assert here.tail.followers == {}


async def test_a_reader_that_was_ended_by_a_bug_reads_again(world: World, one: UUID) -> None:
    """A duty that fails is begun anew, and some of those it left do not know yet."""
    async with process(world.database) as here, follow(here.tail) as left:
        assert await take(left, 1) == [None]
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(feed, "page", None)
            world.database.followers.rouse()
            with pytest.raises(TypeError):
                await here.running[0]
        async with follow(here.tail) as items:
            with pytest.raises(Unavailable):
                await anext(items)
        here.running[0] = asyncio.create_task(here.tail.run(here.stop))
        await asyncio.sleep(0)
        async with follow(here.tail) as items:
            assert await take(items, 1) == [None]
            await tell(world, one, "a")
            assert await take(items, 1) == ["a"]
        with pytest.raises(Unavailable):
            await anext(left)


async def test_what_happens_while_the_database_is_away_comes_when_it_is_back(
    world: World, one: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(wake, "RECONNECT_AFTER_SECONDS", 0.05)
    async with process(world.database) as here, follow(here.tail) as items:
        assert await take(items, 1) == [None]
        for reason in "abc":
            following = asyncio.ensure_future(anext(items))
            with suppress(Unavailable):
                await world.run(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            with suppress(Unavailable):
                await world.one("SELECT 1")
            async with patience():
                while True:
                    with suppress(Unavailable):
                        await tell(world, one, reason)
                        break
                assert (await following).change.reason == reason


async def test_a_database_that_has_gone_back_is_noticed(world: World, one: UUID) -> None:
    """A standby that took over and had not got everything: what was read may never have been."""
    another = (await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 2))).id
    await settled(world)
    async with process(world.database) as here:
        async with follow(here.tail) as items:
            await tell(world, one, "lost")
            assert await take(items, 2) == [None, None]
            last = await anext(items)
            async with world.database.transaction() as session:
                await queries.run(session, "SET LOCAL session_replication_role = replica")
                await queries.run(session, "DELETE FROM change WHERE reason = 'lost'")
            world.database.followers.tell()
            async with patience():
                with pytest.raises(Unavailable):
                    await anext(items)
        async with follow(here.tail, last.change.position) as items:
            with pytest.raises(Gone):
                await anext(items)
        async with follow(here.tail, None) as items:
            following = asyncio.ensure_future(anext(items))
            await started(here.tail)
            await tell(world, another, "new")
            async with patience():
                assert (await following).change.reason == "new"
