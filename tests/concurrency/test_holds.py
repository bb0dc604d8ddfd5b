"""Held seats when everybody comes at once, in several processes: each seat goes to one person, each hold is kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

import pytest

from app.db import Database
from app.registry.registrants import submission
from app.registry.registrants.submission import Submission
from app.registry.routes import seat_holds
from app.registry.routes.held_seats import SeatHold
from app.vault.vault import Vault
from tests.concurrency.agreement import assert_agrees
from tests.concurrency.crowd import CONNECTIONS, at_once, one_waits
from tests.concurrency.processes import Crew
from tests.concurrency.test_seats import assert_exactly_full, counted
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

END = NOW + timedelta(minutes=10)


async def hold_all(database: Database, vault: Vault, route_id: UUID, many: int) -> list[Any]:
    async def one() -> Any:
        async with turns:
            return await database.attempt(lambda session: seat_holds.hold(session, HUBDAT, route_id, 1, 10, NOW))

    turns = asyncio.Semaphore(CONNECTIONS // 3)
    return list(await asyncio.gather(*(one() for _ in range(many))))


async def submit_all(database: Database, vault: Vault, people: Sequence[Submission], now: datetime) -> list[Any]:
    """Each by itself, at the same time."""

    async def one(person: Submission) -> Any:
        async with turns:
            return await database.attempt(lambda session: submission.submit(session, vault, [person], now))

    turns = asyncio.Semaphore(CONNECTIONS // 3)
    return list(chain(*await asyncio.gather(*(one(person) for person in people))))


def dealt(people: Sequence[Submission], now: datetime) -> list[tuple[Sequence[Submission], datetime]]:
    """To three processes."""
    return [(people[place::3], now) for place in range(3)]


async def test_five_hundred_holders_on_a_hundred_seats_of_whom_half_let_their_hold_end(
    world: World, crew: Crew
) -> None:
    await world.policy("hubdat", hold_percent=100)
    route = await world.route(quota=100)
    asked = list(chain(*await crew.run(world.database, hold_all, [(route, 167), (route, 167), (route, 166)])))
    holds = [one for one in asked if isinstance(one, SeatHold)]
    assert Counter(type(one).__name__ for one in asked) == {"SeatHold": 100, "QuotaFull": 400}

    # In time half of the holders come, each behind four others who have no hold.
    in_time = [someone(HUBDAT, route, number, holds=(one.id,)) for number, one in enumerate(holds[:50])]
    others = [someone(HUBDAT, route, 1_000 + number) for number in range(200)]
    crowd = [person for place, one in enumerate(in_time) for person in (*others[4 * place : 4 * place + 4], one)]
    said = counted(list(chain(*await crew.run(world.database, submit_all, dealt(crowd, END - timedelta(seconds=1))))))
    assert said == {"REGISTERED": 50, "QUOTA_FULL": 200}
    assert await world.run("SELECT seats, count(*) FROM seat_hold GROUP BY 1 ORDER BY 1") == [(0, 50), (1, 50)]

    # At the end of the other holds everybody comes: the late half, and those who were refused.
    late = [someone(HUBDAT, route, 500 + number, holds=(one.id,)) for number, one in enumerate(holds[50:])]
    everybody = [person for pair in zip(late, others[:50], strict=True) for person in pair] + others[50:]
    said = counted(list(chain(*await crew.run(world.database, submit_all, dealt(everybody, END)))))
    assert said == {"REGISTERED": 50, "QUOTA_FULL": 200}
    await assert_exactly_full(world, route, 100)


async def test_one_hold_is_used_once_by_many_at_once(world: World) -> None:
    await world.policy("hubdat", hold_percent=100)
    route = await world.route(quota=4)
    [hold] = await hold_all(world.database, world.vault, route, 1)
    calls = [world.submit(someone(HUBDAT, route, number, holds=(hold.id,))) for number in range(20)]
    verdicts = [verdict for [verdict] in await at_once(calls)]
    assert counted(verdicts) == {"REGISTERED": 4, "QUOTA_FULL": 16}
    warned = Counter(one.code for verdict in verdicts for one in getattr(verdict, "warnings", ()))
    assert warned == {"HOLD_ENDED": 3}
    await assert_agrees(world)


async def test_a_hold_that_is_given_back_while_it_is_used(world: World) -> None:
    """One of the two is first. The seat is used once, and no submission fails."""
    await world.policy("hubdat", hold_percent=100)
    route = await world.route(quota=20)
    holds = await hold_all(world.database, world.vault, route, 20)

    async def given_back(hold: SeatHold) -> Any:
        return await world.database.attempt(lambda session: seat_holds.give_back(session, HUBDAT, hold.id, NOW))

    submits = [world.submit(someone(HUBDAT, route, number, holds=(one.id,))) for number, one in enumerate(holds)]
    answers = await at_once(chain(*zip(submits, map(given_back, holds), strict=True)))
    assert counted([one for verdict in answers[::2] for one in verdict]) == {"REGISTERED": 20}
    assert {one.seats for one in answers[1::2]} == {0}
    await assert_exactly_full(world, route, 20)


async def test_whoever_waits_for_the_route_sees_the_hold_that_was_made_meanwhile(world: World) -> None:
    """The lock and the holds are read by two statements: the first one's snapshot is older than its lock."""
    await world.policy("hubdat", hold_percent=100)
    route = await world.route(quota=1)
    async with world.database.transaction() as session:
        made = await seat_holds.hold(session, HUBDAT, route, 1, 10, NOW)
        waiting = asyncio.create_task(world.submit(someone(HUBDAT, route)))
        await one_waits(world)
    assert isinstance(made, SeatHold)
    assert counted(await waiting) == {"QUOTA_FULL": 1}
