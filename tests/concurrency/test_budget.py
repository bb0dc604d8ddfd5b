"""The budget of NIK checks holds over any number of server processes, whose clocks need not agree."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.db import Database
from app.errors import TooManyChecks
from app.registry.niks import budget, check
from app.registry.niks.check import Answer, Check
from app.vault.vault import Vault
from tests.concurrency.agreement import assert_agrees
from tests.concurrency.processes import Crew
from tests.world import HUBDAT, NOW, World, nik_of

pytestmark = pytest.mark.anyio


async def with_budget(world: World, capacity: int, refill: int) -> None:
    await world.run("UPDATE client SET check_capacity = :most, check_refill = :refill", most=capacity, refill=refill)
    await world.run("UPDATE check_budget SET tokens = :most, refilled_at = :now", most=capacity, now=NOW)


async def remaining(world: World, now: datetime) -> int:
    async with world.database.transaction() as session:
        return (await budget.of_client(session, HUBDAT.client_id or "", now)).remaining


async def look(
    database: Database, vault: Vault, times: Sequence[datetime], count: int, *, together: bool = False
) -> tuple[int, int]:
    """How many of `count` checks at each of `times` were answered, and how many refused."""
    checks = [Check(HUBDAT, nik_of(number)) for number in range(count)]

    async def one(now: datetime) -> list[Any]:
        async with database.statements() as session:
            return list(await check.check(session, vault, checks, now, together=together))

    verdicts = [verdict for some in await asyncio.gather(*map(one, times)) for verdict in some]
    answered, refused = (sum(isinstance(verdict, kind) for verdict in verdicts) for kind in (Answer, TooManyChecks))
    assert answered + refused == len(times) * count
    return answered, refused


async def test_processes_share_one_budget_to_the_last_check(world: World, crew: Crew) -> None:
    await with_budget(world, 500, 10)
    answers = await crew.run(world.database, look, [([NOW] * 20, 25)] * 3)
    assert sum(answered for answered, _ in answers) == 500
    assert sum(refused for _, refused in answers) == 3 * 20 * 25 - 500
    assert await remaining(world, NOW) == 0
    # Ten seconds later there are a hundred more, whoever asks.
    answers = await crew.run(world.database, look, [([NOW + timedelta(seconds=10)] * 4, 25)] * 3)
    assert sum(answered for answered, _ in answers) == 100
    # Every answer was written down before it was given, and nothing else was.
    assert await world.count("nik_access") == 600
    await assert_agrees(world)


async def test_bulk_checks_are_answered_together_or_not_at_all(world: World, crew: Crew) -> None:
    await with_budget(world, 500, 10)
    answers = await crew.run(world.database, look_together, [(NOW,)] * 3)
    assert sum(answered for answered, _ in answers) == 12 * 40
    assert await remaining(world, NOW) == 20
    assert await world.count("nik_access") == 480


async def look_together(database: Database, vault: Vault, now: datetime) -> tuple[int, int]:
    return await look(database, vault, [now] * 10, 40, together=True)


async def test_clocks_that_differ_make_no_checks_out_of_nothing(world: World, crew: Crew) -> None:
    """Over three seconds as the fastest clock counts them, there is the burst and three seconds' refill at most."""
    await with_budget(world, 200, 100)
    clocks = [
        [NOW + timedelta(seconds=ahead, milliseconds=100 * tick) for tick in range(20)] for ahead in (-1.0, 0.0, 1.1)
    ]
    answers = await crew.run(world.database, look, [(times, 30) for times in clocks])
    last = clocks[-1][-1]
    assert last == NOW + timedelta(seconds=3)
    granted = sum(answered for answered, _ in answers)
    assert 200 <= granted + await remaining(world, last) <= 200 + 3 * 100
    assert await world.count("nik_access") == granted
