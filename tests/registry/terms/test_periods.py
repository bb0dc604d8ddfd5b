"""Verification periods: what they set, what they flag or refuse, and a later end, which is everybody's."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.registrants.view import View
from app.registry.rows.reception import Result
from app.registry.sweep import Swept
from app.registry.terms import windows
from app.registry.terms.windows import WindowInput
from tests.concurrency.agreement import assert_agrees
from tests.registry.rows.records import pushed, state
from tests.registry.terms.test_deadlines import DAY, HOUR, INSTANT, day
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
BEGINS, END = day(8), day(11) - INSTANT
"""A period of 8 to 10 March (WIB)."""
TOLD = datetime.fromisoformat


async def period(world: World, opens: int = 8, closes: int = 10) -> None:
    await world.wave("hubdat", day(opens), day(closes + 1), kind="VERIFICATION")


async def waiting(world: World, number: int = 1, now: datetime = NOW, **changes: Any) -> View:
    route = world.routes.get("Jakarta - Solo") or await world.route(departs_at=day(28))
    return await world.registered(someone(HUBDAT, route, number, **changes), now)


async def amend(world: World, closes_at: datetime, now: datetime = NOW, opens_at: datetime = BEGINS) -> None:
    async with world.database.transaction() as session:
        in_force = (await windows.of(session, 2026, ["hubdat"]))["hubdat"]
        [standing] = [one for one in in_force if one.kind == "VERIFICATION"]
        given = WindowInput(
            organizer="hubdat", opens_at=opens_at, closes_at=closes_at, kind="VERIFICATION", amends=standing.id
        )
        assert await windows.save(session, HUBDAT, given, 2026, now) is None


async def deadlines(world: World, one: UUID) -> tuple[datetime | None, datetime | None]:
    found = await world.find(one)
    assert found is not None
    return found.verify_by, found.forfeits_at


async def verify(world: World, one: UUID, now: datetime) -> Any:
    [verdict] = await world.move(Move(caller=HUBDAT, ref=Ref(id=one), to=S.VERIFIED), now=now)
    return verdict


# --- its end ----------------------------------------------------------------------------------------------------------


async def test_the_end_of_the_period_forfeits_at_hubdat(world: World) -> None:
    await period(world, 4, 6)
    one = await waiting(world)
    assert (one.verify_by, one.forfeits_at) == (day(7) - INSTANT,) * 2
    assert await world.find(one.id) == one
    assert (await world.sweep(day(7) - INSTANT)).forfeited == 0
    assert (await verify(world, one.id, day(7))).code == "VERIFICATION_EXPIRED"
    assert (await world.sweep(day(7))).forfeited == 1
    assert await world.count("nik_block") == 1


async def test_elsewhere_it_only_flags(world: World) -> None:
    await world.policy("hubdat")
    await period(world)
    one = await waiting(world)
    assert (one.verify_by, one.forfeits_at) == (END, None)
    assert await world.find(one.id) == one
    assert await world.sweep(day(25)) == Swept()
    verified = await verify(world, one.id, END + INSTANT)
    assert (verified.status, verified.flags) == ("VERIFIED", ["VERIFIED_LATE"])
    assert await world.run("SELECT flags FROM registrant") == [(["VERIFIED_LATE"],)]
    assert await world.count("nik_block") == 0


async def test_behind_a_period_that_flags_the_days_forfeit(world: World) -> None:
    await world.policy("hubdat", verify_within_days=12)
    await period(world)
    one, two = await waiting(world, 1), await waiting(world, 2)
    late = day(15) - INSTANT
    assert (one.verify_by, one.forfeits_at) == (END, late)
    assert (await world.sweep(late)).forfeited == 0
    assert (await verify(world, one.id, late)).flags == ["VERIFIED_LATE"]
    refused = await verify(world, two.id, late + INSTANT)
    assert (refused.code, refused.verify_by) == ("VERIFICATION_EXPIRED", late)
    assert (await world.sweep(late + INSTANT)).forfeited == 1


async def test_a_trip_has_one_deadline_of_the_period_too(world: World) -> None:
    await world.policy("hubdat", verify_within_days=12)
    await period(world)
    home = await waiting(world)
    back = await world.registered(someone(HUBDAT, await world.way_back(departs_at=day(28))), NOW + 3 * DAY)
    assert (back.verify_by, back.forfeits_at) == (home.verify_by, home.forfeits_at)
    assert await deadlines(world, back.id) == await deadlines(world, home.id)
    await verify(world, back.id, END + INSTANT)
    assert await world.run("SELECT DISTINCT status, flags FROM registrant") == [("VERIFIED", ["VERIFIED_LATE"])]


async def test_a_row_that_comes_late_is_news_and_not_late(world: World) -> None:
    """Verified on the last day, and reported that night. Whoever is verified later is flagged."""
    await world.policy("hubdat", news_grace_hours=12)
    await period(world)
    for number in range(1, 5):
        await waiting(world, number)
    noon = END + INSTANT + 12 * HOUR
    in_time = await pushed(world, state(2, 1), state(2, 2, waktu_verifikasi="2026-03-10 23:00"), now=noon)
    late = await pushed(world, state(2, 3, waktu_verifikasi="2026-03-11 01:00"), state(2, 4), now=noon + INSTANT)
    assert [[one.code for one in verdict.warnings] for verdict in (*in_time, *late)] == [
        [],
        [],
        ["VERIFIED_LATE"],
        ["VERIFIED_LATE"],
    ]
    assert {verdict.result for verdict in (*in_time, *late)} == {Result.UPDATED}
    assert late[0].message() == "Verifikasi ini melewati akhir masa verifikasi penyelenggara; diterima dan ditandai."


# --- its beginning ----------------------------------------------------------------------------------------------------


async def test_before_it_begins_it_is_flagged(world: World) -> None:
    await world.policy("hubdat")
    await period(world)
    one, two, three = [await waiting(world, number) for number in (1, 2, 3)]
    assert (await verify(world, one.id, BEGINS - INSTANT)).flags == ["VERIFIED_EARLY"]
    assert (await verify(world, two.id, BEGINS)).flags == []
    [verdict] = await pushed(world, state(2, 3, waktu_verifikasi="2026-03-07"), now=BEGINS + HOUR)
    assert [warning.code for warning in verdict.warnings] == ["VERIFIED_EARLY"]
    assert await world.run("SELECT id FROM registrant WHERE flags = '{VERIFIED_EARLY}' ORDER BY id") == [
        (one.id,),
        (three.id,),
    ]


async def test_or_refused_where_the_policy_says_so(world: World) -> None:
    await world.policy("hubdat", verify_within_days=3, refuse_early_verification=True)
    await period(world)
    one = await waiting(world)
    assert (one.verify_by, one.forfeits_at) == (END, END)
    async with world.unchanged():
        refused = await verify(world, one.id, BEGINS - INSTANT)
        [row] = await pushed(world, state(3), now=BEGINS - INSTANT)
        [told] = await pushed(world, state(2, 1, waktu_verifikasi="2026-03-07 10:00"), now=BEGINS + HOUR)
    assert (refused.code, refused.field, refused.opens_at) == ("VERIFICATION_NOT_BEGUN", "ref", BEGINS)
    assert (
        refused.message("id")
        == "Masa verifikasi penyelenggara ini baru dimulai pada 8 Maret 2026 pukul 00.00 WIB; verifikasi sesudah itu."
    )
    assert refused.message("en") == (
        "This organizer's verification period begins on 8 March 2026 at 00:00 WIB; verify after that."
    )
    assert [row.code, told.code] == ["VERIFICATION_NOT_BEGUN"] * 2
    assert (await verify(world, one.id, BEGINS)).status == "VERIFIED"


async def test_a_period_that_begins_earlier_by_an_amendment_is_open_then(world: World) -> None:
    await world.policy("hubdat", refuse_early_verification=True)
    await period(world)
    one = await waiting(world)
    await amend(world, day(11), opens_at=day(5))
    assert (await verify(world, one.id, day(5))).flags == []


# --- a later end ------------------------------------------------------------------------------------------------------


async def test_a_later_end_is_that_of_who_is_registered_too(world: World) -> None:
    await world.policy("hubdat")
    await period(world)
    one = await waiting(world)
    await amend(world, day(13))
    assert await world.sweep(NOW) == Swept(prolonged=1)
    later = day(13) - INSTANT
    assert await deadlines(world, one.id) == (later, None)
    assert (await world.changes("kind, registrant_id, client_id, reason, facts"))[-1] == (
        "DEADLINE_PROLONGED",
        one.id,
        None,
        "Masa verifikasi diperpanjang.",
        {"verify_by_before": END.isoformat(), "verify_by": later.isoformat()},
    )
    async with world.unchanged():
        assert await world.sweep(NOW + HOUR) == Swept()
    assert (await waiting(world, 2)).verify_by == later


async def test_also_where_it_forfeits(world: World) -> None:
    await period(world, 4, 6)
    one = await waiting(world)
    await amend(world, day(9), opens_at=day(4))
    assert await world.sweep(day(7)) == Swept(prolonged=1)
    assert await deadlines(world, one.id) == (day(9) - INSTANT,) * 2
    assert (await world.sweep(day(9))).forfeited == 1


@pytest.mark.parametrize(("days", "last"), [(8, 10), (9, 11), (14, 12)], ids=["before", "bounded by H+N", "after"])
async def test_the_days_bound_it(world: World, days: int, last: int) -> None:
    """Registered on 2 March, with a period that ends on the 10th and then on the 12th."""
    await world.policy("hubdat", verify_within_days=days, forfeit_at_period_end=True)
    await period(world)
    one = await waiting(world)
    await amend(world, day(13))
    await world.sweep(NOW)
    assert await deadlines(world, one.id) == (day(last + 1) - INSTANT,) * 2


async def test_days_that_count_for_nothing_bound_nothing(world: World) -> None:
    await world.policy("hubdat", verify_within_days=3, refuse_early_verification=True)
    await period(world)
    one = await waiting(world)
    await amend(world, day(13))
    await world.sweep(NOW)
    assert (await deadlines(world, one.id))[0] == day(13) - INSTANT


async def test_an_earlier_end_is_nobodys_who_is_registered(world: World) -> None:
    await world.policy("hubdat", forfeit_at_period_end=True)
    await period(world)
    one = await waiting(world)
    await amend(world, day(9))
    assert await world.sweep(NOW) == Swept()
    assert await deadlines(world, one.id) == (END, END)
    assert (await waiting(world, 2)).verify_by == day(9) - INSTANT
    await amend(world, day(12))
    await world.sweep(NOW)
    assert await world.run("SELECT verify_by FROM registrant ORDER BY id") == [(END,), (day(12) - INSTANT,)]


async def test_who_is_overdue_is_so_no_more(world: World) -> None:
    """The period was over, and its organizer opens it again."""
    await world.policy("hubdat")
    await period(world)
    one = await waiting(world)
    await amend(world, day(20), now=day(15))
    await world.sweep(day(15))
    assert (await verify(world, one.id, day(16))).flags == []


async def test_whose_deadline_is_another_and_who_is_verified_stay(world: World) -> None:
    await world.policy("hubdat")
    await period(world)
    verified = await waiting(world, 1)
    await verify(world, verified.id, BEGINS)
    other = await waiting(world, 2)
    await world.put(other.id, verify_by=END - HOUR)
    await amend(world, day(13))
    assert await world.sweep(NOW) == Swept()
    assert await deadlines(world, verified.id) == (END, None)


async def test_both_legs_get_it(world: World) -> None:
    await world.policy("hubdat", verify_within_days=9, forfeit_at_period_end=True)
    await period(world)
    home = await waiting(world)
    back = await world.registered(someone(HUBDAT, await world.way_back(departs_at=day(28))), NOW + 4 * DAY)
    await amend(world, day(20))
    assert (await world.sweep(NOW)).prolonged == 2
    assert await deadlines(world, home.id) == await deadlines(world, back.id) == (day(12) - INSTANT,) * 2
    await assert_agrees(world)


async def test_one_after_the_other(world: World) -> None:
    await world.policy("hubdat")
    await period(world)
    one = await waiting(world)
    await amend(world, day(13), now=NOW)
    await amend(world, day(15), now=NOW + INSTANT)
    assert (await world.sweep(NOW + HOUR)).prolonged == 2
    assert (await deadlines(world, one.id))[0] == day(15) - INSTANT


async def test_an_amended_registration_window_prolongs_nothing(world: World) -> None:
    await waiting(world)
    async with world.database.transaction() as session:
        [standing] = (await windows.of(session, 2026, ["hubdat"]))["hubdat"]
        given = WindowInput(organizer="hubdat", opens_at=NOW, closes_at=day(20), amends=standing.id)
        await windows.save(session, HUBDAT, given, 2026, NOW)
    assert await world.count("prolongation") == 0
