"""A departure time is put right: the no-shows that it alone caused go back by themselves, and nobody else does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants import lifecycle
from app.registry.registrants.transitions import Step
from app.registry.undo import departures
from tests.changes.counting import count_all, differences
from tests.world import HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
WRONG = LEAVES - timedelta(days=10)
AFTER = WRONG + timedelta(hours=3)


async def test_no_shows_of_a_wrong_time_go_back_by_themselves(world: World) -> None:
    route = await world.route(quota=3, departs_at=WRONG)
    people = [await world.verified(someone(HUBDAT, route, number)) for number in range(3)]
    await world.moved(people[0].id, S.DEPARTED)
    assert (await world.sweep(AFTER)).no_shows == 2
    await world.retimed(route, LEAVES, now=AFTER)
    assert [await world.status(one.id) for one in people] == ["DEPARTED", "NO_SHOW", "NO_SHOW"]
    swept = await world.sweep(AFTER)
    assert swept.no_shows == 0
    assert [await world.status(one.id) for one in people] == ["DEPARTED", "VERIFIED", "VERIFIED"]
    assert await world.taken() == 3
    moved = [one for one in await world.changes() if one[1:3] == ("NO_SHOW", "VERIFIED")]
    assert moved == [("REGISTRANT_MOVED", "NO_SHOW", "VERIFIED", None, departures.REASON)] * 2
    await count_all(world.database)
    async with world.database.transaction() as session:
        assert await differences(session) == {}
    async with world.unchanged():
        await world.sweep(AFTER)
    # At the right time they are no-shows all the same, if they are not aboard.
    assert (await world.sweep(LEAVES + timedelta(hours=3))).no_shows == 2


async def test_a_time_that_is_unknown_now_takes_them_back_as_well(world: World) -> None:
    route = await world.route(departs_at=WRONG)
    one = await world.verified(someone(HUBDAT, route))
    await world.sweep(AFTER)
    await world.retimed(route, None, now=AFTER)
    await world.sweep(AFTER)
    assert await world.status(one.id) == "VERIFIED"


async def test_who_would_be_a_no_show_at_the_right_time_too_stays(world: World) -> None:
    route = await world.route(departs_at=WRONG)
    one = await world.verified(someone(HUBDAT, route))
    late = WRONG + timedelta(days=1)
    await world.sweep(AFTER)
    await world.retimed(route, WRONG + timedelta(hours=1), now=late)
    await world.sweep(late)
    assert await world.status(one.id) == "NO_SHOW"
    assert await world.one("SELECT put_right_at FROM route") is None


async def test_what_its_organizer_told_stays(world: World) -> None:
    """A row with code 6 is the organizer's own word, and not the wrong time alone."""
    route = await world.route(departs_at=WRONG)
    one = await world.verified(someone(HUBDAT, route))
    step = Step(id=one.id, to=S.NO_SHOW, caller=HUBDAT)
    await world.database.attempt(lambda session: lifecycle.advance(session, [step], AFTER))
    await world.retimed(route, LEAVES, now=AFTER)
    await world.sweep(AFTER)
    assert await world.status(one.id) == "NO_SHOW"


async def test_an_earlier_time_takes_nobody_back(world: World) -> None:
    route = await world.route(departs_at=LEAVES)
    await world.verified(someone(HUBDAT, route))
    await world.retimed(route, WRONG, now=NOW)
    assert await world.one("SELECT put_right_at FROM route") is None


async def test_a_closed_season_is_read_only(world: World) -> None:
    route = await world.route(departs_at=WRONG)
    one = await world.verified(someone(HUBDAT, route))
    await world.sweep(AFTER)
    await world.retimed(route, LEAVES, now=AFTER)
    await world.close()
    await world.sweep(AFTER)
    assert await world.status(one.id) == "NO_SHOW"
