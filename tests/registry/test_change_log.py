"""The change log: rows in the order they were told, in their own transaction, never rewritten."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from app.db import Session
from app.errors import Raced
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.change_log import Entry
from tests import queries
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio


async def append(world: World, *entries: Entry) -> None:
    async with world.database.transaction() as session:
        await change_log.append(session, entries, NOW)


async def test_an_entry_is_kept_whole(world: World) -> None:
    registrant, route = uuid4(), uuid4()
    facts: dict[str, object] = {"seats": 3, "list": ["a", None], "nested": {"yes": True}}
    await append(
        world,
        Entry(
            kind=ChangeKind.REGISTRANT_MOVED,
            season=2026,
            organizer="hubdat",
            registrant_id=registrant,
            route_id=route,
            from_status="REGISTERED",
            to_status="VERIFIED",
            client_id="hubdat-test",
            reason="Alasan",
            facts=facts,
        ),
        Entry(kind=ChangeKind.SEASON_PURGED),
    )
    columns = (
        "at, kind, season, organizer_code, registrant_id, route_id, from_status, to_status, client_id, reason, facts"
    )
    assert await world.changes(columns) == [
        (
            NOW,
            "REGISTRANT_MOVED",
            2026,
            "hubdat",
            registrant,
            route,
            "REGISTERED",
            "VERIFIED",
            "hubdat-test",
            "Alasan",
            facts,
        ),
        (NOW, "SEASON_PURGED", *[None] * 9),
    ]


async def test_many_entries_are_one_statement_in_their_order(world: World) -> None:
    with world.statements() as issued:
        await append(world, *(Entry(kind=ChangeKind.QUOTA_FILLED, season=season) for season in range(1000)))
    assert len(issued) == 1
    assert await world.changes("season") == [(season,) for season in range(1000)]


async def test_a_row_knows_its_transaction(world: World) -> None:
    await append(world, Entry(kind=ChangeKind.QUOTA_FILLED), Entry(kind=ChangeKind.QUOTA_FILLED))
    await append(world, Entry(kind=ChangeKind.QUOTA_FILLED))
    first, second, third = [one.xact_id for one in await world.run("SELECT xact_id::text FROM change ORDER BY id")]
    assert first == second != third


async def test_what_is_rolled_back_was_never_told(world: World) -> None:
    async def fail() -> None:
        async with world.database.transaction() as session:
            await change_log.append(session, [Entry(kind=ChangeKind.QUOTA_FILLED)], NOW)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await world.changes() == []


@pytest.mark.parametrize("statement", ["UPDATE change SET reason = 'lain'", "DELETE FROM change"])
async def test_history_is_not_rewritten(world: World, statement: str) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    async with world.unchanged():
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            async with world.database.transaction() as session:
                await queries.run(session, statement)


async def test_a_reader_behind_the_oldest_running_transaction_misses_nothing(world: World) -> None:
    """A later transaction commits first: its row waits until the earlier one is there as well."""
    settled = "SELECT season FROM change WHERE xact_id < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY id"
    running = "SELECT season FROM change WHERE xact_id IN (SELECT pg_snapshot_xip(pg_current_snapshot()))"
    async with world.database.transaction() as slow:
        await change_log.append(slow, [Entry(kind=ChangeKind.QUOTA_FILLED, season=1)], NOW)
        async with world.database.transaction() as quick:
            await change_log.append(quick, [Entry(kind=ChangeKind.QUOTA_FILLED, season=2)], NOW + timedelta(hours=1))
        assert await world.changes("season") == [(2,)]
        assert await world.run(settled) == []
    # Not `settled`: what runs in another database of the cluster holds it back as well.
    assert await world.changes("season") == [(1,), (2,)]
    assert await world.run(running) == []


async def test_who_builds_on_a_younger_transaction_is_run_again_under_a_new_number(world: World) -> None:
    registrant = (await world.registered(someone(HUBDAT, await world.route()))).id
    moved = Entry(
        kind=ChangeKind.REGISTRANT_MOVED,
        season=2026,
        organizer="hubdat",
        registrant_id=registrant,
        route_id=None,
        from_status="REGISTERED",
        to_status="VERIFIED",
    )
    told = Entry(kind=ChangeKind.DUPLICATE_REFUSED, season=2026, organizer="hubdat", registrant_id=registrant)

    async def overtaken() -> None:
        async with world.database.transaction() as older:
            await queries.run(older, "SELECT pg_current_xact_id()")
            await append(world, moved)
            # What is only told of a registrant is no change of its own.
            await change_log.append(older, [told], NOW)
            await change_log.append(older, [moved], NOW)

    with pytest.raises(Raced):
        await overtaken()
    assert await world.changes("kind, to_status") == [
        ("REGISTRANT_MOVED", "REGISTERED"),
        ("REGISTRANT_MOVED", "VERIFIED"),
    ]

    attempts = 0

    async def again(session: Session) -> None:
        nonlocal attempts
        attempts += 1
        await queries.run(session, "SELECT pg_current_xact_id()")
        if attempts == 1:
            await append(world, moved)
        await change_log.append(session, [moved], NOW)

    await world.database.attempt(again)
    assert attempts == 2
    in_order = await world.run("SELECT id FROM change ORDER BY xact_id, id")
    assert [row.id for row in in_order] == sorted(row.id for row in in_order)
    assert len(in_order) == 4


async def test_only_a_commit_that_wrote_to_it_is_told_of(world: World) -> None:
    followers = world.database.followers
    signal = followers.signal()
    await append(world, Entry(kind=ChangeKind.SEASON_PURGED))
    assert signal.is_set()
    assert followers.untold.is_set()
    signal = followers.signal()
    async with world.database.transaction() as session:
        await queries.run(session, "SELECT 1")

    async def rolled_back() -> None:
        async with world.database.transaction() as session:
            await change_log.append(session, [Entry(kind=ChangeKind.SEASON_PURGED)], NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await rolled_back()
    assert not signal.is_set()
