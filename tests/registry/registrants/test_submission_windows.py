"""A registration against its organizer's windows: waves, open ends, half-open closes, amendments, the policy FLAG."""

from datetime import datetime, timedelta

import pytest

from app.registry.registrants.submission import Accepted
from tests.world import DJKA, HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)


async def opening(world: World, at: datetime, number: int = 1) -> datetime | str | None:
    """`OPEN`, or when it opens next."""
    route = world.routes.get("Jakarta - Solo") or await world.route(departs_at=NOW + 60 * DAY)
    await world.policy("hubdat", late_arrival_days=90)
    before = await world.rows("registrant", "change", "route")
    [verdict] = await world.submit(someone(HUBDAT, route, number, registered_at=at), now=NOW + 30 * DAY)
    if isinstance(verdict, Accepted):
        return "OPEN"
    assert (verdict.code, verdict.field) == ("REGISTRATION_CLOSED", "registeredAt")
    assert await world.rows("registrant", "change", "route") == before
    opens_at: datetime | None = verdict.opens_at
    return opens_at


async def test_a_window_opens_with_its_first_instant_and_closes_before_its_last(world: World) -> None:
    await world.window("hubdat", NOW, NOW + HOUR)
    assert await opening(world, NOW - INSTANT) == NOW
    assert await opening(world, NOW, 1) == "OPEN"
    assert await opening(world, NOW + HOUR - INSTANT, 2) == "OPEN"
    assert await opening(world, NOW + HOUR, 3) is None


async def test_an_end_may_be_open(world: World) -> None:
    await world.window("hubdat", NOW)
    assert await opening(world, NOW + 29 * DAY) == "OPEN"


async def test_between_waves_the_next_opening_is_told(world: World) -> None:
    await world.window("hubdat", NOW, NOW + HOUR)
    await world.wave("hubdat", NOW + 3 * DAY, NOW + 4 * DAY)
    await world.wave("hubdat", NOW + 2 * DAY, NOW + 2 * DAY + HOUR)
    assert await opening(world, NOW + DAY) == NOW + 2 * DAY
    assert await opening(world, NOW + 2 * DAY + HOUR) == NOW + 3 * DAY
    assert await opening(world, NOW + 4 * DAY) is None
    assert await opening(world, NOW + 3 * DAY) == "OPEN"


async def test_without_any_window_nothing_is_open(world: World) -> None:
    await world.run("DELETE FROM registration_window")
    assert await opening(world, NOW) is None


async def test_a_verification_period_and_an_amended_wave_open_nothing(world: World) -> None:
    await world.run("DELETE FROM registration_window")
    await world.wave("hubdat", NOW - DAY, NOW + DAY, kind="VERIFICATION")
    await world.wave("hubdat", NOW - DAY, NOW + DAY, superseded_at=NOW - HOUR)
    assert await opening(world, NOW) is None
    await world.wave("hubdat", NOW - DAY, NOW + DAY)
    assert await opening(world, NOW) == "OPEN"


async def test_another_organizers_window_opens_nothing_of_ours(world: World) -> None:
    await world.run("DELETE FROM registration_window WHERE organizer_code = 'hubdat'")
    assert await opening(world, NOW) is None
    theirs = await world.route("KA", organizer="djka")
    assert (await world.registered(someone(DJKA, theirs))).status == "REGISTERED"


async def test_outside_is_flagged_when_the_policy_says_so(world: World) -> None:
    await world.policy("hubdat", enforce_window=False)
    await world.window("hubdat", NOW, NOW + HOUR)
    mudik, balik = await world.route(), await world.way_back()
    one = someone(HUBDAT, mudik, return_route_id=balik, registered_at=NOW - INSTANT)
    accepted = await world.accepted(one)
    assert [(warning.code, warning.message("id"), warning.message("en")) for warning in accepted.warnings] == [
        (
            "OUTSIDE_WINDOW",
            "Pendaftaran ini di luar jadwal penyelenggara; diterima dan ditandai.",
            "This registration is outside its organizer's windows; accepted and flagged.",
        )
    ]
    assert (await world.accepted(someone(HUBDAT, mudik, 2, registered_at=NOW))).warnings == ()
