"""A no-show: verified, and not aboard when the route has left."""

from datetime import timedelta

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants import no_show
from tests.registry.meanwhile import meanwhile
from tests.world import DJKA, HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
INSTANT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
HAS_LEFT = LEAVES + 2 * HOUR


async def test_whoever_is_verified_and_not_aboard_is_a_no_show(world: World) -> None:
    route = await world.route(quota=3)
    left = await world.verified(someone(HUBDAT, route, 1))
    aboard = await world.verified(someone(HUBDAT, route, 2))
    await world.moved(aboard.id, S.DEPARTED)
    cancelled = await world.verified(someone(HUBDAT, route, 3))
    await world.moved(cancelled.id, S.CANCELLED)
    async with world.unchanged():
        assert (await world.sweep(HAS_LEFT)).no_shows == 0
    assert (await world.sweep(HAS_LEFT + INSTANT)).no_shows == 1
    assert [await world.status(one.id) for one in (left, aboard, cancelled)] == ["NO_SHOW", "DEPARTED", "CANCELLED"]
    assert await world.taken() == 2
    assert await world.count("nik_block") == 0
    assert (await world.changes())[-1] == ("REGISTRANT_MOVED", "VERIFIED", "NO_SHOW", None, None)
    async with world.unchanged():
        assert (await world.sweep(HAS_LEFT + INSTANT)).no_shows == 0


async def test_a_no_show_holds_its_nik(world: World) -> None:
    await world.verified(someone(HUBDAT, await world.route()))
    await world.sweep(HAS_LEFT + HOUR)
    [refused] = await world.submit(someone(DJKA, await world.route("KA", organizer="djka")))
    assert (refused.code, refused.standing.status) == ("NIK_ALREADY_REGISTERED", "NO_SHOW")


async def test_whoever_is_not_verified_is_no_no_show(world: World) -> None:
    route = await world.route("KA", organizer="djka")
    one = await world.registered(someone(DJKA, route))
    assert (await world.sweep(HAS_LEFT + HOUR)).no_shows == 0
    assert await world.status(one.id) == "REGISTERED"


@pytest.mark.parametrize("minutes", [0, 30, 1440])
async def test_the_grace_is_the_organizers_policy(world: World, minutes: int) -> None:
    await world.policy("hubdat", no_show_after_minutes=minutes)
    await world.verified(someone(HUBDAT, await world.route()))
    over = LEAVES + timedelta(minutes=minutes)
    assert (await world.sweep(over)).no_shows == 0
    assert (await world.sweep(over + INSTANT)).no_shows == 1


async def test_a_route_without_a_time_leaves_nobody_behind(world: World) -> None:
    await world.verified(someone(HUBDAT, await world.route(departs_at=None)))
    assert (await world.sweep(NOW + timedelta(days=300))).no_shows == 0


async def test_a_closed_season_stays_as_it_was(world: World) -> None:
    await world.verified(someone(HUBDAT, await world.route()))
    await world.close()
    async with world.unchanged():
        assert (await world.sweep(HAS_LEFT + HOUR)).no_shows == 0


async def test_it_catches_up_in_batches(world: World) -> None:
    route = await world.route()
    for number in range(3):
        await world.verified(someone(HUBDAT, route, number))
    marked = []
    for _ in range(3):
        async with world.database.transaction() as session:
            marked.append(await no_show.mark_left_behind(session, HAS_LEFT + HOUR, most=2))
    assert marked == [2, 1, 0]


async def test_whose_route_leaves_later_while_the_sweep_waits_for_the_lock_is_no_no_show(world: World) -> None:
    route = await world.route()
    one = await world.verified(someone(HUBDAT, route))
    now = LEAVES + timedelta(hours=3)

    async def leaves_later() -> None:
        await world.run("UPDATE route SET departs_at = :at", at=now + timedelta(hours=1))

    with meanwhile("AS refuse_early_verification", leaves_later, before=True) as looks:
        assert (await world.sweep(now)).no_shows == 0
    assert len(looks) == 1
    assert await world.status(one.id) == "VERIFIED"
