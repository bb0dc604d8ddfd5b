"""Who walks through NIKs is noticed, and a crowd of real people is not: streams of both, as they come."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from app.db import Database
from app.registry.caller import Caller
from app.registry.niks import check, enumeration
from app.registry.niks.check import Check
from app.registry.niks.enumeration import (
    FEWEST_NIKS,
    MOST_CLIENTS,
    TIME_TO_BRING_A_LIST,
    TIME_TO_REGISTER,
    WALK_NIKS,
    WALK_STEPS,
    Unfollowed,
    Walk,
    Walks,
)
from app.vault.vault import Vault
from tests.world import DKI, NOW, World, build, nik_of, someone

BORN = date(1946, 1, 1)
DAYS = 79 * 365


def dice_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - nothing is secret here


def nik(district: int, born: date, serial: int, *, female: bool = False) -> str:
    return f"3372{district:02}{born.day + 40 * female:02}{born:%m%y}{serial:04}"


def person(dice: random.Random, districts: int) -> str:
    """Of a town with that many districts. Nobody: the serials begin at 9000."""
    born = BORN + timedelta(days=dice.randrange(DAYS))
    serial = 9000 + min(int(dice.expovariate(0.8)), 20)
    return nik(dice.randrange(1, districts + 1), born, serial, female=dice.random() < 0.5)


def families(dice: random.Random, districts: int, *, many: int) -> Iterator[str]:
    """Each with one to five members; one in thirty has twins."""
    for _ in range(many):
        household = [person(dice, districts) for _ in range(dice.randint(1, 5))]
        if dice.random() < 1 / 30:
            household.append(f"{household[-1][:12]}{int(household[-1][12:]) + 1:04}")
        yield from household


def alarms(stream: Iterator[str] | list[str]) -> int:
    walk = Walk()
    return sum([walk.look(digits) for digits in stream])


def test_serials_one_by_one_are_noticed_after_31() -> None:
    sweep = [nik(1, BORN, serial) for serial in range(9000, 9200)]
    assert alarms(sweep[: WALK_STEPS + 1]) == 1
    assert alarms(sweep[:WALK_STEPS]) == 0
    assert alarms(sweep) == len(sweep) - WALK_STEPS
    assert alarms(sweep[::-1]) == len(sweep) - WALK_STEPS


def test_birthdays_one_by_one_are_noticed() -> None:
    """Serial 1 of each day: a month's end is a gap and no escape."""
    sweep = [nik(1, BORN + timedelta(days=days), 9001) for days in range(200)]
    assert alarms(sweep) > 100


@pytest.mark.parametrize("seed", range(5))
def test_a_sweep_in_any_order_is_noticed(seed: int) -> None:
    """Twenty days, five serials each."""
    dice = dice_of(seed)
    sweep = [nik(1, BORN + timedelta(days=days), 9000 + serial) for days in range(20) for serial in range(5)]
    dice.shuffle(sweep)
    assert alarms(sweep) > 0


@pytest.mark.parametrize("seed", range(5))
def test_a_sweep_amid_real_people_is_noticed(seed: int) -> None:
    dice = dice_of(seed)
    sweep = iter([nik(1, BORN, serial) for serial in range(9000, 9500)])
    stream = [next(sweep) if dice.random() < 0.5 else person(dice, 40) for _ in range(500)]
    assert alarms(stream) > 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("districts", [1, 5, 40])
def test_families_are_not(seed: int, districts: int) -> None:
    assert alarms(families(dice_of(seed), districts, many=3_000)) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_whole_town_in_one_sorted_list_is_not(seed: int) -> None:
    """Ten thousand people of five districts, one after another in the order of their NIKs."""
    dice = dice_of(seed)
    assert alarms(sorted(person(dice, 5) for _ in range(10_000))) == 0


def test_the_same_people_again_say_nothing() -> None:
    walk = Walk()
    sweep = [nik(1, BORN, serial) for serial in range(9000, 9000 + WALK_STEPS)]
    assert not any(walk.look(digits) for _ in range(10) for digits in sweep)


def test_a_walk_is_forgotten_when_others_came_after_it() -> None:
    walk, dice = Walk(), dice_of(1)
    for serial in range(9000, 9000 + 2 * WALK_STEPS):
        walk.look(nik(1, BORN, serial))
    later = [walk.look(person(dice, 40)) for _ in range(2 * WALK_NIKS)]
    assert later[0]
    assert not any(later[WALK_NIKS:])
    assert not walk.look(nik(1, BORN, 9001))


def test_clients_are_followed_apart_and_the_longest_silent_is_forgotten() -> None:
    walks = Walks()
    sweep = [nik(1, BORN, serial) for serial in range(9000, 9000 + WALK_STEPS + 1)]
    assert not any(walks.look(client, digits) for digits in sweep[:-1] for client in ("one", "other"))
    for number in range(MOST_CLIENTS - 1):
        assert not walks.look(f"client-{number}", sweep[0])
        walks.look("one", sweep[0])
    assert walks.look("one", sweep[-1])
    assert not walks.look("other", sweep[-1])


# --- checks that no registration follows ------------------------------------------------------------------------------

CHECKED = NOW - timedelta(hours=2)


@pytest.fixture
async def world(database: Database, vault: Vault) -> World:
    world = await build(database, vault)
    await world.run("UPDATE organizer SET schemes = '{GRAPHQL}' WHERE code = 'dishub-dki'")
    await world.run("UPDATE check_budget SET tokens = 100000")
    await world.run("UPDATE client SET check_capacity = 100000")
    return world


async def look_up(world: World, numbers: range, at: datetime = CHECKED, caller: Caller = DKI) -> None:
    checks = [Check(caller, nik_of(number)) for number in numbers]
    async with world.database.statements() as session:
        answers = await check.check(session, world.vault, checks, at, together=True)
    assert all(isinstance(answer, check.Answer) for answer in answers)


async def unfollowed(world: World, now: datetime = NOW) -> list[Unfollowed]:
    async with world.database.transaction() as session:
        return await enumeration.unfollowed(session, now)


@pytest.mark.anyio
async def test_checks_that_nobody_follows_are_noticed(world: World) -> None:
    await look_up(world, range(600))
    assert await unfollowed(world) == [Unfollowed("dishub-dki-test", "dishub-dki", 600, 0)]


@pytest.mark.anyio
async def test_a_morning_rush_is_not_for_its_people_are_registered_after_it(world: World) -> None:
    """Two in a hundred got a seat: the programme was full within minutes."""
    route_id = await world.route(organizer="dishub-dki")
    await look_up(world, range(600))
    await world.submit(*(someone(DKI, route_id, number) for number in range(12)))
    assert await unfollowed(world) == []


@pytest.mark.anyio
async def test_who_is_known_already_counts_and_the_same_person_again_does_not(world: World) -> None:
    route_id = await world.route()
    await world.submit(*(someone(Caller("hubdat-test", "hubdat"), route_id, number) for number in range(11)))
    await look_up(world, range(600))
    await look_up(world, range(300))
    assert await unfollowed(world) == [Unfollowed("dishub-dki-test", "dishub-dki", 600, 11)]
    await world.run("UPDATE nik_access SET outcome = 'BLOCKED' WHERE id = (SELECT max(id) FROM nik_access)")
    assert await unfollowed(world) == []


@pytest.mark.anyio
async def test_there_is_time_to_register(world: World) -> None:
    await look_up(world, range(600))
    assert await unfollowed(world, CHECKED + TIME_TO_REGISTER - timedelta(seconds=1)) == []
    assert len(await unfollowed(world, CHECKED + TIME_TO_REGISTER)) == 1


@pytest.mark.anyio
async def test_who_brings_lists_has_time_until_the_next_one(world: World) -> None:
    await world.run("UPDATE organizer SET schemes = '{NIK_CHECK,DAILY_CONSOLIDATION}' WHERE code = 'dishub-dki'")
    await look_up(world, range(600))
    assert await unfollowed(world, CHECKED + TIME_TO_BRING_A_LIST - timedelta(seconds=1)) == []
    assert len(await unfollowed(world, CHECKED + TIME_TO_BRING_A_LIST)) == 1


@pytest.mark.anyio
async def test_few_checks_and_old_ones_say_nothing(world: World) -> None:
    await look_up(world, range(FEWEST_NIKS - 1))
    await look_up(world, range(1000, 1600), CHECKED - timedelta(days=1))
    assert await unfollowed(world) == []


@pytest.mark.anyio
async def test_a_revoked_client_is_past_and_another_is_judged_by_itself(world: World) -> None:
    await look_up(world, range(600))
    other = Caller("djka-test", "djka")
    await world.run("UPDATE organizer SET schemes = '{WEBHOOK}' WHERE code = 'djka'")
    await look_up(world, range(400), caller=other)
    await world.run("UPDATE client SET revoked_at = now() WHERE id = 'dishub-dki-test'")
    assert await unfollowed(world) == []
