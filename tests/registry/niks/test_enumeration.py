"""Which organizer walks through NIKs is noticed, by whichever door, and a crowd of real people is not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import pytest

from app.registry.caller import Caller
from app.registry.niks import check, enumeration
from app.registry.niks.check import Check
from app.registry.niks.enumeration import AGAIN_AFTER, FEWEST_NAMED, MOST_OF_ONE_AREA, TIME_TO_REGISTER, Sign
from app.registry.registrants.submission import Accepted
from tests.world import DJKA, DKI, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

BORN = date(1946, 1, 1)
DAYS = 79 * 365
OTHER_CLIENT = Caller("dishub-dki-other", "dishub-dki")
LATER = NOW + timedelta(minutes=30)


@pytest.fixture(autouse=True)
async def large_budget(world: World) -> None:
    await world.run("UPDATE check_budget SET tokens = 100000")
    await world.run("UPDATE client SET check_capacity = 100000")


def nik(district: int, born: date, serial: int, *, female: bool = False) -> str:
    return f"3372{district:02}{born.day + 40 * female:02}{born:%m%y}{serial:04}"


def families(seed: int, districts: int, *, people: int) -> Iterator[str]:
    """Of a town with that many districts; one in thirty has a twin. Nobody: the serials begin at 9000."""
    dice = random.Random(seed)  # noqa: S311 - nothing is secret here
    for _ in range(people):
        born = BORN + timedelta(days=dice.randrange(DAYS))
        digits = nik(dice.randrange(1, districts + 1), born, 9000 + dice.randrange(20), female=dice.random() < 0.5)
        yield digits
        if dice.random() < 1 / 30:
            yield f"{digits[:12]}{int(digits[12:]) + 1:04}"


async def checked(world: World, niks: Sequence[str], at: datetime = NOW, caller: Caller = DKI) -> None:
    for start in range(0, len(niks), 1_000):
        asked = [Check(caller, one) for one in niks[start : start + 1_000]]
        answers = await world.check(*asked, now=at, together=True)
        assert all(isinstance(answer, check.Answer) for answer in answers)


async def walking(world: World, now: datetime = LATER) -> list[Sign]:
    async with world.database.transaction() as session:
        return await enumeration.walking(session, now)


async def unknown(world: World, now: datetime) -> list[Sign]:
    async with world.database.transaction() as session:
        return await enumeration.unknown(session, now)


async def raised(world: World, now: datetime, *, cuts: bool = False) -> list[Sign]:
    async with world.database.transaction() as session:
        found = await enumeration.walking(session, now)
        return await enumeration.raise_alarms(session, found, now, cuts=cuts)


async def test_eleven_of_one_region_and_birth_date_are_noticed(world: World) -> None:
    await checked(world, [nik(1, BORN, 9000 + serial) for serial in range(MOST_OF_ONE_AREA)])
    assert await walking(world) == []
    await checked(world, [nik(1, BORN, 9000 + serial) for serial in range(MOST_OF_ONE_AREA)])
    assert await walking(world) == []
    await checked(world, [nik(1, BORN, 9500)])
    assert await walking(world) == [Sign("dishub-dki", "walking", 11)]
    assert await walking(world, NOW + timedelta(hours=1)) == []


@pytest.mark.parametrize("seed", range(3))
async def test_neither_order_nor_stride_nor_the_clients_matter(world: World, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - nothing is secret here
    walk = [nik(1, BORN, 9000 + 37 * serial) for serial in range(20)]
    stream = [*walk, *families(seed, 5, people=400)]
    dice.shuffle(stream)
    await world.run(
        "INSERT INTO client (id, organizer_code, scopes, check_capacity, check_refill, issued_at)"
        " VALUES ('dishub-dki-other', 'dishub-dki', '{}', 100000, 100, :now)",
        now=NOW,
    )
    await world.run(
        "INSERT INTO check_budget (client_id, tokens, refilled_at) VALUES ('dishub-dki-other', 100000, :now)", now=NOW
    )
    await checked(world, stream[::2])
    await checked(world, stream[1::2], LATER, OTHER_CLIENT)
    [sign] = await walking(world)
    assert (sign.organizer, sign.sign) == ("dishub-dki", "walking")
    assert sign.niks >= 20


async def test_who_submits_walks_as_well(world: World) -> None:
    """On a route of its own, with room for all: each one is accepted."""
    route = await world.route("DKI", organizer="dishub-dki", quota=100)
    verdicts = await world.submit(*[someone(DKI, route, number) for number in range(MOST_OF_ONE_AREA + 1)])
    assert all(isinstance(one, Accepted) for one in verdicts)
    assert await walking(world) == [Sign("dishub-dki", "walking", 11)]


@pytest.mark.parametrize("districts", [1, 5, 40])
async def test_families_are_no_walk(world: World, districts: int) -> None:
    await checked(world, sorted(families(districts, districts, people=5_000)))
    assert await walking(world) == []


async def test_niks_that_nobody_holds_a_day_later_are_noticed(world: World) -> None:
    await checked(world, [nik_of(number) for number in range(FEWEST_NAMED)])
    then = NOW + TIME_TO_REGISTER
    assert await unknown(world, then - timedelta(seconds=1)) == []
    assert await unknown(world, then) == [Sign("dishub-dki", "unknown", FEWEST_NAMED)]
    assert await unknown(world, then + TIME_TO_REGISTER) == []
    route = await world.route("KA", organizer="djka", quota=100)
    await world.submit(*[someone(DJKA, route, number) for number in range(49)], now=NOW + timedelta(hours=1))
    assert await unknown(world, then) == [Sign("dishub-dki", "unknown", FEWEST_NAMED)]
    await world.submit(someone(DJKA, route, 49), now=NOW + timedelta(hours=1))
    assert await unknown(world, then) == []


async def test_fewer_than_a_thousand_say_nothing(world: World) -> None:
    await checked(world, [nik_of(number) for number in range(FEWEST_NAMED - 1)])
    assert await unknown(world, NOW + TIME_TO_REGISTER) == []


async def test_an_alarm_is_told_once_an_hour(world: World) -> None:
    await checked(world, [nik(1, BORN, 9000 + serial) for serial in range(20)], LATER)
    sign = Sign("dishub-dki", "walking", 20)
    assert await raised(world, LATER) == [sign]
    assert await raised(world, LATER + timedelta(minutes=10)) == []
    await checked(world, [nik(2, BORN, 9000 + serial) for serial in range(30)], LATER + AGAIN_AFTER)
    assert await raised(world, LATER + AGAIN_AFTER) == [Sign("dishub-dki", "walking", 30)]
    told = await world.run(
        "SELECT organizer_code, facts ->> 'suspected', facts ->> 'sign', facts ->> 'niks' FROM change"
        " WHERE kind = 'NIK_ALARM_RAISED' ORDER BY id"
    )
    assert [tuple(row) for row in told] == [
        ("hubdat", "dishub-dki", "walking", "20"),
        ("hubdat", "dishub-dki", "walking", "30"),
    ]


async def test_an_alarm_ends_the_allowance_only_where_that_is_set(world: World) -> None:
    walk = [nik(1, BORN, 9000 + serial) for serial in range(20)]
    await checked(world, walk)
    await raised(world, LATER)
    [answer] = await world.check(Check(DKI, nik_of(1)), now=LATER)
    assert answer.outcome == "AVAILABLE"
    await checked(world, walk, LATER + AGAIN_AFTER)
    await raised(world, LATER + AGAIN_AFTER, cuts=True)
    [answer] = await world.check(Check(DKI, nik_of(1)), now=LATER + AGAIN_AFTER)
    assert answer.outcome == "UNDECIDED"
    [answer] = await world.check(Check(DKI, nik_of(1)), now=NOW + timedelta(days=1))
    assert answer.outcome == "AVAILABLE"


async def test_of_many_processes_one_looks_each_minute(world: World) -> None:
    await checked(world, [nik_of(number) for number in range(FEWEST_NAMED)])
    await world.run("INSERT INTO heartbeat (id, at) VALUES (1, :now)", now=NOW)

    async def found(now: datetime) -> list[str]:
        return [one.sign for one in await world.database.attempt(lambda session: enumeration.signs(session, now))]

    at = NOW + timedelta(days=1)
    looks = await asyncio.gather(*[found(at) for _ in range(8)])
    assert sorted(looks) == [[]] * 7 + [["unknown"]]
    assert await found(at + timedelta(seconds=59)) == []
    await checked(world, [nik(1, BORN, 9000 + serial) for serial in range(11)], at)
    # Only every ten minutes is the day before looked at again.
    assert [await found(at + timedelta(minutes=minute)) for minute in (1, 9, 10)] == [
        ["walking"],
        ["walking"],
        ["walking", "unknown"],
    ]
