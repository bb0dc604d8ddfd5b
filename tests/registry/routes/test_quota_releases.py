"""Quota releases: sums of what is due, lowered at once and never below what is taken."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from app.errors import InvalidValue, NotYours, QuotaBelowTaken, QuotaFull, RouteUnknown, SeasonClosed
from app.registry.caller import Caller
from app.registry.registrants.submission import Accepted
from app.registry.routes import quota_releases
from app.registry.terms import seasons
from tests.world import DJKA, HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

TOMORROW = NOW + timedelta(days=1)


async def released(
    world: World,
    route_id: UUID,
    seats: int,
    at: datetime | None = None,
    *,
    caller: Caller = HUBDAT,
    now: datetime = NOW,
) -> Any:
    async with world.database.transaction() as session:
        return await quota_releases.release(session, caller, route_id, seats, at, now)


async def test_releases_add_up(world: World) -> None:
    route_id = await world.route("Solo")
    assert (await released(world, route_id, 10)).quota == 10
    assert (await released(world, route_id, 5, NOW - timedelta(minutes=5))).quota == 15
    assert (await released(world, route_id, -3)).quota == 12
    assert await world.run("SELECT seats, due_at, released_at FROM quota_release ORDER BY id") == [
        (10, NOW, NOW),
        (5, NOW - timedelta(minutes=5), NOW),
        (-3, NOW, NOW),
    ]
    told = await world.run("SELECT kind, season, organizer_code, route_id, client_id, facts FROM change ORDER BY id")
    assert [row[:5] for row in told] == 3 * [("QUOTA_RELEASED", 2026, "hubdat", route_id, "hubdat-test")]
    lowered = str(await world.one("SELECT id FROM quota_release WHERE seats < 0"))
    quota = {"quota": 12, "was": {"quota": 15}}
    assert told[2].facts == {"release": lowered, "seats": -3, "due_at": NOW.isoformat(), **quota}


async def test_a_dated_release_is_there_when_it_is_due(world: World) -> None:
    route_id = await world.route("Solo")
    route = await released(world, route_id, 20, TOMORROW)
    assert (route.quota, route.remaining) == (0, 0)
    (refused,) = await world.submit(someone(HUBDAT, route_id))
    assert isinstance(refused, QuotaFull)
    (accepted,) = await world.submit(someone(HUBDAT, route_id), now=TOMORROW)
    assert isinstance(accepted, Accepted)
    route = await released(world, route_id, 1, now=TOMORROW)
    assert (route.quota, route.taken, route.remaining) == (21, 1, 20)
    assert await world.one("SELECT quota FROM route") == 21


async def test_what_is_due_is_there_before_it_is_lowered(world: World) -> None:
    route_id = await world.route("Solo")
    await released(world, route_id, 4, TOMORROW)
    refusal = await released(world, route_id, -4)
    assert isinstance(refusal, QuotaBelowTaken)
    assert (await released(world, route_id, -3, now=TOMORROW)).quota == 1


async def test_never_below_what_is_taken(world: World) -> None:
    route_id = await world.route("Solo", quota=3)
    for number in (1, 2):
        await world.registered(someone(HUBDAT, route_id, number))
    refusal = await released(world, route_id, -2)
    assert isinstance(refusal, QuotaBelowTaken)
    assert (refusal.field, refusal.taken) == ("seats", 2)
    assert await world.count("quota_release") == 0
    route = await released(world, route_id, -1)
    assert (route.quota, route.taken, route.remaining) == (2, 2, 0)


@pytest.mark.parametrize("at", [None, TOMORROW])
async def test_the_first_release_covers_what_is_taken_already(world: World, at: datetime | None) -> None:
    route_id = await world.route("Solo")
    for number in (1, 2):
        await world.registered(someone(HUBDAT, route_id, number))
    refusal = await released(world, route_id, 1, at)
    assert isinstance(refusal, QuotaBelowTaken)
    assert refusal.taken == 2
    assert await world.one("SELECT quota FROM route") is None


@pytest.mark.parametrize(
    ("seats", "at", "field"),
    [
        (0, None, "seats"),
        (1_000_001, None, "seats"),
        (-1_000_001, None, "seats"),
        (1, NOW.replace(tzinfo=None), "at"),
        (-1, TOMORROW, "at"),
        (999_999, None, "seats"),
    ],
)
async def test_impossible_releases(world: World, seats: int, at: datetime | None, field: str) -> None:
    route_id = await world.route("Solo", quota=10)
    refusal = await released(world, route_id, seats, at)
    assert isinstance(refusal, InvalidValue)
    assert refusal.field == field
    assert await world.one("SELECT quota FROM route") == 10
    assert await world.count("change") == 0


async def test_a_release_is_for_ones_own_route_in_an_open_season(world: World) -> None:
    route_id = await world.route("Solo", quota=10)
    refusals = [await released(world, uuid7(), 1), await released(world, route_id, 1, caller=DJKA)]
    async with world.database.transaction() as session:
        await seasons.close(session, HUBDAT, 2026, NOW)
    refusals.append(await released(world, route_id, 1))
    assert [type(refusal) for refusal in refusals] == [RouteUnknown, NotYours, SeasonClosed]
    assert [refusal.field for refusal in refusals[:2]] == ["routeId", "routeId"]
    assert await world.one("SELECT quota FROM route") == 10
    assert await world.count("quota_release") == 0


async def test_parallel_releases_and_claims_lose_nothing(world: World) -> None:
    route_id = await world.route("Solo", quota=0)
    await released(world, route_id, 5, NOW)
    claims = [world.submit(someone(HUBDAT, route_id, number)) for number in range(12)]
    additions = [released(world, route_id, 1) for _ in range(5)]
    await asyncio.gather(*claims, *additions)
    quota, taken = (await world.run("SELECT quota, taken FROM route"))[0]
    assert quota == 10
    assert taken == await world.count("registrant")
    assert 5 <= taken <= 10
