"""News comes late, people do not: forfeiture and no-show wait for the lists of organizers that send lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.rows.reception import Result
from app.registry.terms import news
from tests.concurrency.agreement import assert_agrees
from tests.registry.rows.records import pushed, state
from tests.registry.terms.test_deadlines import DAY, DEADLINE, HOUR, INSTANT
from tests.world import BUMN, HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
NOON = DEADLINE + INSTANT + 12 * HOUR
"""12.00 WIB of the day behind the deadline."""
HAS_LEFT = LEAVES + 2 * HOUR
NOON_BEHIND = datetime.fromisoformat("2026-03-17T12:00:00+07:00")
"""Of the day behind the departure."""


async def sends(world: World, *schemes: str, organizer: str = "hubdat") -> None:
    await world.run(
        "UPDATE organizer SET schemes = :schemes WHERE code = :organizer", schemes=list(schemes), organizer=organizer
    )


async def waiting(world: World, number: int = 1) -> UUID:
    route = world.routes.get("Jakarta - Solo") or await world.route()
    return (await world.registered(someone(HUBDAT, route, number))).id


async def left_behind(world: World) -> UUID:
    return (await world.verified(someone(HUBDAT, await world.route()))).id


# --- how long we wait -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["EXCEL", "WEBHOOK", "DAILY_CONSOLIDATION"])
async def test_whoever_sends_lists_has_until_noon(world: World, scheme: str) -> None:
    await sends(world, "NIK_CHECK", scheme)
    one = await waiting(world)
    async with world.unchanged():
        assert (await world.sweep(NOON)).forfeited == 0
    assert (await world.sweep(NOON + INSTANT)).forfeited == 1
    assert await world.status(one) == "FORFEITED"


@pytest.mark.parametrize("schemes", [(), ("GRAPHQL",), ("NIK_CHECK",)])
async def test_whoever_tells_as_it_happens_has_not(world: World, schemes: tuple[str, ...]) -> None:
    await sends(world, *schemes)
    await waiting(world)
    assert (await world.sweep(DEADLINE + INSTANT)).forfeited == 1


async def test_a_coordinator_that_sends_lists_sends_its_members_as_well(world: World) -> None:
    await sends(world, "DAILY_CONSOLIDATION", organizer="jasa-raharja")
    await world.policy("bumn-satu", verify_within_days=7)
    route = await world.route(organizer="bumn-satu")
    await world.registered(someone(BUMN, route))
    assert (await world.sweep(NOON)).forfeited == 0
    assert (await world.sweep(NOON + INSTANT)).forfeited == 1


@pytest.mark.parametrize(("hours", "until"), [(0, DEADLINE), (6, NOON - 6 * HOUR), (72, NOON + 60 * HOUR)])
async def test_the_hours_are_the_organizers_policy(world: World, hours: int, until: datetime) -> None:
    await sends(world, "EXCEL")
    await world.policy("hubdat", verify_within_days=7, news_grace_hours=hours)
    await waiting(world)
    assert (await world.sweep(until)).forfeited == 0
    assert (await world.sweep(until + INSTANT)).forfeited == 1


async def test_a_no_show_waits_as_well(world: World) -> None:
    await sends(world, "EXCEL")
    one = await left_behind(world)
    async with world.unchanged():
        assert (await world.sweep(HAS_LEFT + INSTANT)).no_shows == 0
        assert (await world.sweep(NOON_BEHIND)).no_shows == 0
    assert (await world.sweep(NOON_BEHIND + INSTANT)).no_shows == 1
    assert await world.status(one) == "NO_SHOW"


async def test_a_bus_that_leaves_at_night_is_heard_of_on_the_next_day(world: World) -> None:
    """Grace and all: it leaves at 23.00 WIB, and its grace ends on the next day."""
    await sends(world, "EXCEL")
    leaves = datetime.fromisoformat("2026-03-16T23:00:00+07:00")
    await world.verified(someone(HUBDAT, await world.route(departs_at=leaves)))
    noon = datetime.fromisoformat("2026-03-18T12:00:00+07:00")
    assert (await world.sweep(noon)).no_shows == 0
    assert (await world.sweep(noon + INSTANT)).no_shows == 1


# --- what rows may still tell -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "reached"), [(2, "VERIFIED"), (3, "DEPARTED")])
async def test_a_list_of_that_night_verifies(world: World, code: int, reached: str) -> None:
    await sends(world, "EXCEL")
    await world.route(departs_at=NOON + 3 * HOUR)
    one = await waiting(world)
    [verdict] = await pushed(world, state(code), now=NOON)
    assert (verdict.result, verdict.refusal, verdict.warnings) == (Result.UPDATED, None, ())
    assert await world.status(one) == reached
    assert await world.run("SELECT verified_at, flags FROM registrant") == [(NOON, [])]
    assert (await world.sweep(NOON + INSTANT)).forfeited == 0
    assert await world.count("nik_block") == 0


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2026-03-09 16:30", datetime.fromisoformat("2026-03-09T16:30:00+07:00")),
        ("09/03/2026 23:59:59", datetime.fromisoformat("2026-03-09T23:59:59+07:00")),
        ("2026-03-09", datetime.fromisoformat("2026-03-09T00:00:00+07:00")),
        ("2026-03-02", NOW - 2 * HOUR),
    ],
    ids=["a time", "the last second", "a day", "the day of the registration"],
)
async def test_it_verifies_with_the_time_that_it_names(world: World, told: str, at: datetime) -> None:
    await sends(world, "EXCEL")
    route = await world.route()
    await world.registered(someone(HUBDAT, route, registered_at=NOW - 2 * HOUR))
    [verdict] = await pushed(world, state(2, 1, waktu_verifikasi=told), now=NOON)
    assert (verdict.result, verdict.refusal) == (Result.UPDATED, None)
    assert await world.run("SELECT status, verified_at FROM registrant") == [("VERIFIED", at)]


@pytest.mark.parametrize("told", ["2026-03-10 00:00:00", "2026-03-10"])
async def test_a_time_behind_the_deadline_is_too_late(world: World, told: str) -> None:
    await sends(world, "EXCEL")
    await waiting(world)
    async with world.unchanged():
        [verdict] = await pushed(world, state(2, 1, waktu_verifikasi=told), now=NOON)
    assert (verdict.code, verdict.column) == ("VERIFICATION_EXPIRED", "status_pemesanan_code")


@pytest.mark.parametrize("told", ["2026-03-02 08:59", "2026-03-11 08:00", "kemarin"])
async def test_a_time_that_cannot_be(world: World, told: str) -> None:
    """Before the registration, in the future, or no time at all."""
    await waiting(world)
    async with world.unchanged():
        [verdict] = await pushed(world, state(2, 1, waktu_verifikasi=told), now=NOW + DAY)
    assert (verdict.code, verdict.column) == ("INVALID_VALUE", "waktu_verifikasi")


@pytest.mark.parametrize(("schemes", "now"), [(("EXCEL",), NOON + INSTANT), (("GRAPHQL",), DEADLINE + INSTANT)])
async def test_behind_that_it_is_too_late(world: World, schemes: tuple[str, ...], now: datetime) -> None:
    await sends(world, *schemes)
    await waiting(world)
    async with world.unchanged():
        [verdict] = await pushed(world, state(2, 1, waktu_verifikasi="2026-03-09 10:00"), now=now)
    assert verdict.code == "VERIFICATION_EXPIRED"
    await world.sweep(now)
    async with world.unchanged():
        [verdict] = await pushed(world, state(2), now=now)
    assert verdict.code == "VERIFICATION_EXPIRED"


async def test_what_is_told_as_it_happens_is_judged_as_it_happens(world: World) -> None:
    """An organizer that sends lists, and verifies here and now by GraphQL."""
    await sends(world, "GRAPHQL", "EXCEL")
    one = await waiting(world)
    async with world.unchanged():
        [refused] = await world.move(Move(caller=HUBDAT, ref=Ref(id=one), to=S.VERIFIED), now=DEADLINE + INSTANT)
    assert refused.code == "VERIFICATION_EXPIRED"


async def test_a_code_4_needs_no_waiting(world: World) -> None:
    """The list itself is the news."""
    await sends(world, "EXCEL")
    one = await waiting(world)
    async with world.unchanged():
        [early] = await pushed(world, state(4), now=DEADLINE)
    assert early.code == "TRANSITION_NOT_ALLOWED"
    [verdict] = await pushed(world, state(4), now=DEADLINE + INSTANT)
    assert (verdict.result, await world.status(one)) == (Result.UPDATED, "FORFEITED")


async def test_who_was_aboard_is_no_no_show_whenever_the_list_comes(world: World) -> None:
    one = await left_behind(world)
    assert (await world.sweep(HAS_LEFT + INSTANT)).no_shows == 1
    later = LEAVES + 20 * DAY
    [verdict] = await pushed(world, state(3), now=later)
    assert (verdict.result, verdict.status, verdict.refusal) == (Result.UPDATED, S.DEPARTED, None)
    columns = "status, departed_at, late, healthy"
    assert await world.run(f"SELECT {columns} FROM registrant") == [("DEPARTED", LEAVES, True, True)]
    assert (await world.changes("registrant_id, from_status, to_status, client_id"))[-1] == (
        one,
        "NO_SHOW",
        "DEPARTED",
        "hubdat-test",
    )
    assert await world.taken() == 1
    await assert_agrees(world)
    async with world.unchanged():
        [again] = await pushed(world, state(3), now=later)
        assert (await world.sweep(later + DAY)).no_shows == 0
    assert again.result is Result.UNCHANGED


async def test_a_closed_season_keeps_its_no_shows(world: World) -> None:
    one = await left_behind(world)
    await world.sweep(HAS_LEFT + INSTANT)
    await world.close()
    async with world.unchanged():
        [verdict] = await pushed(world, state(3), now=LEAVES + 20 * DAY)
    assert verdict.code == "SEASON_CLOSED"
    assert await world.status(one) == "NO_SHOW"


async def test_only_rows_bring_a_no_show_aboard(world: World) -> None:
    one = await left_behind(world)
    await world.sweep(HAS_LEFT + INSTANT)
    async with world.unchanged():
        [refused] = await world.move(
            Move(caller=HUBDAT, ref=Ref(id=one), to=S.DEPARTED, healthy=True), now=LEAVES + 5 * HOUR
        )
    assert (refused.code, refused.allowed) == ("TRANSITION_NOT_ALLOWED", ())


@pytest.mark.parametrize(("minutes", "departed_at"), [(-180, LEAVES - 3 * HOUR), (90, LEAVES)])
async def test_a_row_names_no_time_of_departure(world: World, minutes: int, departed_at: datetime) -> None:
    """Who is reported when the bus has left was aboard when it left."""
    await left_behind(world)
    await pushed(world, state(3), now=LEAVES + timedelta(minutes=minutes))
    assert await world.run("SELECT departed_at, late FROM registrant") == [(departed_at, minutes > 0)]


def test_midnight_is_midnight_in_jakarta() -> None:
    assert news.heard_by(DEADLINE, 12) == NOON
    assert news.heard_by(DEADLINE + INSTANT, 12) == NOON + DAY
    assert news.heard_by(DEADLINE, 0) == DEADLINE
