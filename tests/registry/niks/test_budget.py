"""A client's budget of NIK checks: a token bucket, exact over any number of callers."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from app.errors import TooManyChecks
from app.registry.niks import budget
from app.registry.niks.budget import Budget, Grant
from app.registry.niks.check import Answer, Check
from tests.world import DJKA, HUBDAT, NOW, World, nik_of

pytestmark = pytest.mark.anyio

SECOND = timedelta(seconds=1)


async def take(
    world: World, wanted: Mapping[str, int], seconds: float = 0, *, together: bool = False
) -> dict[str, Grant]:
    async with world.database.transaction() as session:
        return await budget.take(session, wanted, NOW + seconds * SECOND, together=together)


async def left(world: World, seconds: float = 0) -> Budget:
    async with world.database.transaction() as session:
        return await budget.of_client(session, "djka-test", NOW + seconds * SECOND)


async def test_a_burst_and_a_refill_up_to_the_capacity(world: World) -> None:
    assert await left(world) == Budget(5000, 5000, 100)
    assert await take(world, {"djka-test": 5000}) == {"djka-test": Grant(5000, 1)}
    assert await left(world) == Budget(5000, 0, 100)
    assert await left(world, 0.509) == Budget(5000, 50, 100)
    assert await left(world, 49.99) == Budget(5000, 4999, 100)
    assert await left(world, 3600) == Budget(5000, 5000, 100)
    assert await take(world, {"djka-test": 5001}, 3600) == {"djka-test": Grant(5000, 1)}


async def test_single_checks_get_what_there_is(world: World) -> None:
    await take(world, {"djka-test": 4990})
    assert await take(world, {"djka-test": 250}) == {"djka-test": Grant(10, 3)}
    assert await left(world) == Budget(5000, 0, 100)


async def test_the_checks_of_one_call_get_all_or_nothing(world: World) -> None:
    await take(world, {"djka-test": 4990})
    assert await take(world, {"djka-test": 11}, together=True) == {"djka-test": Grant(0, 1)}
    assert await left(world) == Budget(5000, 10, 100)
    assert await take(world, {"djka-test": 10}, together=True) == {"djka-test": Grant(10, 1)}
    assert await left(world) == Budget(5000, 0, 100)


@pytest.mark.parametrize(
    ("wanted", "together", "retry_after"),
    [(1, False, 1), (100, False, 1), (101, False, 2), (1000, True, 10), (1001, True, 11)],
)
async def test_it_says_when_what_was_not_granted_will_be_there(
    world: World, wanted: int, together: bool, retry_after: int
) -> None:
    await take(world, {"djka-test": 5000})
    assert await take(world, {"djka-test": wanted}, together=together) == {"djka-test": Grant(0, retry_after)}
    granted = await take(world, {"djka-test": wanted}, retry_after, together=together)
    assert granted["djka-test"].granted == wanted


async def test_parts_of_a_check_are_kept(world: World) -> None:
    await take(world, {"djka-test": 5000})
    assert await take(world, {"djka-test": 1}, 0.005) == {"djka-test": Grant(0, 1)}
    assert await take(world, {"djka-test": 1}, 0.009) == {"djka-test": Grant(0, 1)}
    assert await take(world, {"djka-test": 1}, 0.011) == {"djka-test": Grant(1, 1)}
    assert await take(world, {"djka-test": 1}, 0.019) == {"djka-test": Grant(0, 1)}


async def test_a_clock_that_goes_back_refills_nothing(world: World) -> None:
    await take(world, {"djka-test": 5000}, 10)
    assert await take(world, {"djka-test": 1}, 5) == {"djka-test": Grant(0, 1)}
    assert await left(world, 10) == Budget(5000, 0, 100)
    assert await left(world, 11) == Budget(5000, 100, 100)


async def test_each_client_has_its_own(world: World) -> None:
    await take(world, {"djka-test": 5000})
    assert await take(world, {"djka-test": 5, "hubdat-test": 5}) == {
        "djka-test": Grant(0, 1),
        "hubdat-test": Grant(5, 1),
    }


async def test_parallel_takers_share_it_exactly(world: World) -> None:
    await take(world, {"djka-test": 4900})
    grants = await asyncio.gather(*(take(world, {"djka-test": 30}) for _ in range(8)))
    assert sum(one["djka-test"].granted for one in grants) == 100


async def test_a_check_over_the_budget_is_refused_with_the_time_to_wait(world: World) -> None:
    await take(world, {"djka-test": 4998})
    verdicts = await world.check(*(Check(DJKA, nik_of(number)) for number in range(150)))
    assert [isinstance(one, Answer) for one in verdicts] == [True] * 2 + [False] * 148
    assert {one.retry_after for one in verdicts[2:]} == {2}


async def test_a_call_over_the_budget_is_refused_whole(world: World) -> None:
    await take(world, {"djka-test": 4900})
    checks = [Check(DJKA, nik_of(number)) for number in range(101)]
    verdicts = await world.check(*checks, Check(HUBDAT, nik_of(1)), together=True)
    assert {(type(one), one.retry_after) for one in verdicts[:-1]} == {(TooManyChecks, 1)}
    assert isinstance(verdicts[-1], Answer)
    assert await world.count("nik_access") == 1
    assert all(isinstance(one, Answer) for one in await world.check(*checks[:100], together=True))
