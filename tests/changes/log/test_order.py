"""Hundreds of transactions commit out of order, and every reader gets every change once, in one order.

Per registrant that is the order of effect: each change carries the number that it counted its registrant up to.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from app.changes.log import feed
from app.changes.log.feed import START, FeedItem, Position
from app.changes.log.tail import Tail
from app.db import Database, Session
from app.errors import Raced
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.change_log import Entry
from app.vault.vault import Vault
from tests import queries
from tests.changes.conftest import process
from tests.databases import empty
from tests.patience import patience
from tests.world import CALLERS, DJKA, JASA_RAHARJA, NOW, World, build, someone

pytestmark = pytest.mark.anyio

TRANSACTIONS = 300
AT_ONCE = 20
ROLLED_BACK = 0.15
LAST = "last"
EACH = 8
"""Registrants of each organizer: few enough that transactions wait for one another."""

_COUNT_UP = """
    UPDATE registrant SET reference = (COALESCE(reference, '0')::int + 1)::text
    WHERE id = (SELECT id FROM registrant WHERE id = :id FOR NO KEY UPDATE) RETURNING reference
    """


class Unlucky(Exception):  # noqa: N818 - an outcome
    """This transaction is rolled back."""


@dataclass
class Reader:
    """Takes changes until the last of each of its organizers, and remembers them in the order they came in."""

    organizers: Collection[str]
    read: Callable[[Reader], AsyncGenerator[FeedItem, None]]
    after: Position = START
    seen: list[tuple[Position, UUID, str | None]] = field(default_factory=list)
    rounds: int = 0

    @property
    def followed(self) -> Collection[str] | None:
        return None if len(self.organizers) == len(CALLERS) else self.organizers

    async def run(self) -> None:
        missing = len(self.organizers)
        while missing:
            self.rounds += 1
            async with aclosing(self.read(self)) as items:
                async for item in items:
                    self.after = item.change.position
                    self.seen.append((item.change.position, item.registrant.id, item.change.reason))
                    missing -= item.change.reason == LAST
                    if not missing:
                        break


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=AT_ONCE + 10)
    yield database
    await database.dispose()


@pytest.fixture
async def world(database: Database, vault: Vault) -> AsyncIterator[World]:
    yield await build(database, vault)
    await empty(database)


def page_by_page(world: World, most: int) -> Callable[[Reader], AsyncGenerator[FeedItem, None]]:
    async def read(reader: Reader) -> AsyncGenerator[FeedItem, None]:
        async with world.database.transaction() as session:
            page = await feed.page(session, reader.followed, reader.after, most=most)
        for item in page.items:
            yield item
        if not page.more:
            # What is passed over need not be read again.
            reader.after = page.end
            await asyncio.sleep(0.01)

    return read


def live(tail: Tail, stays_for: float) -> Callable[[Reader], AsyncGenerator[FeedItem, None]]:
    """Breaks off now and then, and comes back with its last cursor."""
    dice = random.Random(stays_for)  # noqa: S311 - to be repeated

    async def read(reader: Reader) -> AsyncGenerator[FeedItem, None]:
        most = int(dice.expovariate(1 / stays_for)) + 1
        async with aclosing(tail.follow(reader.followed, reader.after)) as items:
            async for item in items:
                yield item
                most -= 1
                if not most:
                    return

    return read


async def write(world: World, registrants: list[tuple[str, UUID]], dice: random.Random) -> None:
    """One transaction: it has its number early, changes some registrants, and ends when chance will have it."""
    chosen = sorted(dice.sample(registrants, dice.randint(1, 3)), key=lambda one: one[1])
    pauses = [dice.choice([0, 0, 0.002, 0.02]) for _ in range(len(chosen) + 2)]
    unlucky = dice.random() < ROLLED_BACK

    async def work(session: Session) -> None:
        await queries.run(session, "SELECT pg_current_xact_id()")
        await asyncio.sleep(pauses[0])
        for (organizer, registrant), pause in zip(chosen, pauses[2:], strict=True):
            count = await queries.value(session, _COUNT_UP, {"id": registrant})
            entry = Entry(
                kind=ChangeKind.REGISTRANT_CORRECTED,
                season=2026,
                organizer=organizer,
                registrant_id=registrant,
                reason=count,
            )
            # Something that is no change of a registrant lies between.
            await change_log.append(
                session, [entry, Entry(kind=ChangeKind.QUOTA_FILLED, season=2026, organizer=organizer)], NOW
            )
            await asyncio.sleep(pause)
        if unlucky:
            raise Unlucky
        await asyncio.sleep(pauses[1])

    while True:
        try:
            return await world.database.attempt(work)
        except Unlucky:
            return None
        except Raced:
            continue


async def write_all(world: World, registrants: list[tuple[str, UUID]]) -> None:
    dice = random.Random(7)  # noqa: S311 - to be repeated
    seeds = iter([dice.random() for _ in range(TRANSACTIONS)])

    async def writer() -> None:
        for seed in seeds:
            await write(world, registrants, random.Random(seed))  # noqa: S311 - to be repeated

    await asyncio.gather(*(writer() for _ in range(AT_ONCE)))


async def test_every_reader_gets_every_change_once_and_in_order(world: World) -> None:
    registrants = []
    for place, caller in enumerate(CALLERS):
        route = await world.route(caller.organizer, organizer=caller.organizer)
        for number in range(EACH):
            record = await world.registered(someone(caller, route, place * EACH + number))
            registrants.append((caller.organizer, record.id))
    whose = [{caller.organizer for caller in CALLERS}, JASA_RAHARJA.organizers, DJKA.organizers]
    async with process(world.database) as here, process(world.database) as there:
        ways = [
            page_by_page(world, 3),
            page_by_page(world, 50),
            live(here.tail, 1_000_000),
            live(here.tail, 5),
            live(there.tail, 40),
        ]
        readers = [Reader(organizers, way) for organizers in whose for way in ways]
        reading = [asyncio.create_task(reader.run()) for reader in readers]
        await write_all(world, registrants)
        async with world.database.transaction() as session:
            last = [
                Entry(
                    kind=ChangeKind.REGISTRANT_CORRECTED,
                    season=2026,
                    organizer=organizer,
                    registrant_id=registrant,
                    reason=LAST,
                )
                for organizer, registrant in registrants[::EACH]
            ]
            await change_log.append(session, last, NOW)
        async with patience():
            await asyncio.gather(*reading)

    whole = await world.run(
        """SELECT xact_id::text::bigint, id, organizer_code, registrant_id, reason FROM change
           WHERE kind IN ('REGISTRANT_MOVED', 'REGISTRANT_CORRECTED') ORDER BY xact_id, id"""
    )
    for reader in readers:
        assert reader.seen == [(Position(row[0], row[1]), *row[3:]) for row in whole if row[2] in reader.organizers]
    counted: dict[UUID, list[str | None]] = defaultdict(list)
    for row in whole:
        if row[4] != LAST:
            counted[row[3]].append(row[4])
    assert all(one == [None, *map(str, range(1, len(one)))] for one in counted.values())
    # It did happen: rolled back, out of order, and readers that came back.
    assert len(registrants) + TRANSACTIONS * (1 - 2 * ROLLED_BACK) < len(whole) < len(registrants) + 3 * TRANSACTIONS
    assert [row[1] for row in whole] != sorted(row[1] for row in whole)
    assert sum(reader.rounds > 3 for reader in readers) > 8
