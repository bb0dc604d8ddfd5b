"""Quota: claims against releases that are due, seats that come back, and what the log is told."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants.submission import Accepted
from app.registry.routes import quota
from app.registry.routes.quota import Seats
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

TOMORROW = NOW + timedelta(days=1)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(("limit", "taken", "full"), [(None, 9, False), (2, 1, False), (2, 2, True), (0, 0, True)])
def test_full(limit: int | None, taken: int, full: bool) -> None:
    assert Seats(season=2026, organizer="hubdat", quota=limit, taken=taken).full is full


async def test_a_route_without_a_quota_is_unlimited(world: World) -> None:
    route = await world.route()
    verdicts = await world.submit(*(someone(HUBDAT, route, number) for number in range(50)))
    assert all(isinstance(one, Accepted) for one in verdicts)
    assert await world.taken() == 50
    assert await world.one("SELECT count(*) FROM change WHERE kind = 'QUOTA_FILLED'") == 0


async def test_a_batch_gets_no_more_than_there_is(world: World) -> None:
    route = await world.route(quota=3)
    verdicts = await world.submit(*(someone(HUBDAT, route, number) for number in range(5)))
    assert [getattr(one, "code", "ACCEPTED") for one in verdicts] == ["ACCEPTED"] * 3 + ["QUOTA_FULL"] * 2
    assert await world.taken() == 3
    assert await world.changes("kind, organizer_code, season, route_id, client_id") == [
        *[("REGISTRANT_MOVED", "hubdat", 2026, route, "hubdat-test")] * 3,
        ("QUOTA_FILLED", "hubdat", 2026, route, None),
    ]


async def test_a_release_counts_from_its_instant_on(world: World) -> None:
    route = await world.route(quota=1)
    await world.release(route, 1, TOMORROW)
    await world.release(route, 2, TOMORROW)
    await world.registered(someone(HUBDAT, route, 1))
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, route, 2), now=TOMORROW - INSTANT)
    assert refused.code == "QUOTA_FULL"
    await world.registered(someone(HUBDAT, route, 2), now=TOMORROW)
    assert await world.run("SELECT quota, taken FROM route") == [(4, 2)]
    assert await world.run("SELECT DISTINCT released_at FROM quota_release") == [(TOMORROW,)]
    await world.registered(someone(HUBDAT, route, 3), now=TOMORROW)
    assert await world.run("SELECT quota, taken FROM route") == [(4, 3)]


async def test_a_seat_comes_back_at_once(world: World) -> None:
    route = await world.route(quota=2)
    first, _ = await world.submit(someone(HUBDAT, route, 1), someone(HUBDAT, route, 2))
    await world.moved(first.view.id, RegistrantStatus.CANCELLED)
    assert await world.taken() == 1
    assert (await world.changes("kind, organizer_code, route_id, facts"))[-1] == (
        "QUOTA_RETURNED",
        "hubdat",
        route,
        {"seats": 1},
    )
    await world.registered(someone(HUBDAT, route, 3))
    assert await world.taken() == 2


async def test_releases_that_are_due_are_added_when_seats_come_back(world: World) -> None:
    route = await world.route(quota=1)
    await world.release(route, 5, TOMORROW)
    one = await world.registered(someone(HUBDAT, route))
    await world.moved(one.id, RegistrantStatus.CANCELLED, now=TOMORROW)
    assert await world.run("SELECT quota, taken FROM route") == [(6, 0)]


async def test_the_database_sells_no_seat_twice(world: World) -> None:
    route = await world.route(quota=1)
    for taken in (2, -1):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await world.run("UPDATE route SET taken = :taken WHERE id = :id", taken=taken, id=route)


async def test_an_unknown_route_has_no_seats(world: World) -> None:
    async with world.database.transaction() as session:
        assert await quota.lock(session, [uuid4()], NOW) == {}


async def test_parallel_claims_get_exactly_what_there_is(world: World) -> None:
    route = await world.route(quota=10)
    batches = [[someone(HUBDAT, route, 5 * batch + one) for one in range(5)] for batch in range(8)]
    verdicts = [one for batch in await asyncio.gather(*(world.submit(*batch) for batch in batches)) for one in batch]
    assert sum(isinstance(one, Accepted) for one in verdicts) == 10
    assert {one.code for one in verdicts if not isinstance(one, Accepted)} == {"QUOTA_FULL"}
    assert await world.taken() == await world.count("registrant") == 10
    assert await world.one("SELECT count(*) FROM change WHERE kind = 'QUOTA_FILLED'") == 1
