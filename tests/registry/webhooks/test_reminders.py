"""Reminders: once, whoever runs them and however often; and they are forgotten when their deadline is long over."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from app.registry.webhooks import reminders
from tests.changes.sending import Post
from tests.world import DJKA, NOW, World, someone

pytestmark = pytest.mark.anyio

DEADLINE = datetime(2026, 3, 9, 16, 59, 59, 999999, tzinfo=UTC)
AT = DEADLINE - timedelta(hours=48)
TOLD = "SELECT count(*) FROM change WHERE kind = 'DEADLINE_NEARS'"


async def people(world: World, many: int) -> None:
    await world.policy("djka", verify_within_days=7)
    await Post(world).hook(events=["deadline.in_48_hours"])
    await world.sweep(NOW)
    route = await world.route(organizer="djka")
    await world.submit(*(someone(DJKA, route, number) for number in range(many)))


async def remind(world: World, most: int) -> int:
    return await world.database.attempt(lambda session: reminders.remind(session, 48, AT, most=most))


async def test_all_are_reminded_in_parts(world: World) -> None:
    await people(world, 5)
    assert [await remind(world, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert await world.one(TOLD) == await world.count("reminder") == 5


async def test_two_runners_remind_of_nobody_twice(world: World) -> None:
    """Neither waits for the sweep's lock here: the key of the table alone keeps them apart."""
    await people(world, 60)
    assert sum(await asyncio.gather(*(remind(world, 100) for _ in range(4)))) == 60
    assert await world.one(TOLD) == 60


async def test_a_runner_that_dies_leaves_the_rest_to_the_next_one(world: World) -> None:
    await people(world, 5)
    with suppress(ZeroDivisionError):  # So it is rolled back.
        async with world.database.transaction() as session:
            assert await reminders.remind(session, 48, AT, most=2) == 2
            raise ZeroDivisionError
    assert await world.one(TOLD) == 0
    await remind(world, 2)
    await world.sweep(AT + timedelta(minutes=9))
    await world.sweep(AT + timedelta(minutes=9))
    assert await world.one(TOLD) == 5


async def test_a_closed_season_reminds_nobody(world: World) -> None:
    await people(world, 1)
    await world.close()
    assert await remind(world, 9) == 0


async def test_reminders_are_forgotten_a_week_after_the_deadline(world: World) -> None:
    await people(world, 1)
    await remind(world, 9)
    await world.run("UPDATE registrant SET status = 'VERIFIED', verified_at = :now", now=AT)
    await world.sweep(DEADLINE + reminders.KEPT - timedelta(seconds=1))
    assert await world.count("reminder") == 1
    await world.sweep(DEADLINE + reminders.KEPT)
    assert await world.count("reminder") == 0
