"""Reopening: where each end goes back to, what stands against it, and what follows a step back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.changes.log import feed
from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry.amending import rerouting
from app.registry.niks import blocks
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Motorcycle
from app.registry.registrants.view import View
from app.registry.undo import reopening
from tests.changes.counting import count_all, differences
from tests.registry.meanwhile import meanwhile
from tests.world import DJKA, DKI, HUBDAT, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
REASON = "Waktu keberangkatan keliru"
DAY = timedelta(days=1)
LATER = NOW + timedelta(days=8)
"""Behind the deadline of hubdat."""
AFTER_DEPARTURE = LEAVES + timedelta(hours=3)


async def reopened(world: World, *ids: UUID, reason: str = REASON, now: Any = NOW) -> list[Any]:
    refs = [Ref(id=one) for one in ids]
    return await world.database.attempt(
        lambda session: reopening.reopen(session, world.vault, HUBDAT, refs, reason, now)
    )


async def back(world: World, one: UUID, now: Any = NOW) -> View:
    [verdict] = await reopened(world, one, now=now)
    assert isinstance(verdict, View), verdict
    return verdict


async def refused(world: World, one: UUID, now: Any = NOW, **more: Any) -> Refusal:
    """Nothing has changed."""
    async with world.unchanged():
        [verdict] = await reopened(world, one, now=now, **more)
    assert isinstance(verdict, Refusal), verdict
    return verdict


async def counted(world: World) -> None:
    """The figures are what a plain count says."""
    await count_all(world.database)
    async with world.database.transaction() as session:
        assert await differences(session) == {}


async def test_a_no_show_is_verified_again_and_departs_with_the_real_time(world: World) -> None:
    one = await world.verified(someone(HUBDAT, await world.route(quota=1)))
    assert (await world.sweep(AFTER_DEPARTURE)).no_shows == 1
    await counted(world)
    seen = await back(world, one.id, AFTER_DEPARTURE)
    assert (seen.status, seen.verified_at, await world.taken()) == ("VERIFIED", NOW, 1)
    assert (await world.changes())[-1] == ("REGISTRANT_MOVED", "NO_SHOW", "VERIFIED", "hubdat-test", REASON)
    await counted(world)
    # The sweep leaves it alone for a day, and a row that says 6 is not believed either.
    assert (await world.sweep(AFTER_DEPARTURE + DAY)).no_shows == 0
    at = LEAVES - timedelta(hours=2)
    gone = await world.moved(one.id, S.DEPARTED, now=AFTER_DEPARTURE + timedelta(hours=1), at=at)
    assert (gone.status, gone.departed_at, gone.late) == ("DEPARTED", at, False)
    await counted(world)


async def test_after_a_day_the_sweep_comes_again(world: World) -> None:
    one = await world.verified(someone(HUBDAT, await world.route()))
    await world.sweep(AFTER_DEPARTURE)
    await back(world, one.id, AFTER_DEPARTURE)
    assert (await world.sweep(AFTER_DEPARTURE + DAY + timedelta(seconds=1))).no_shows == 1
    assert await world.status(one.id) == "NO_SHOW"


async def test_who_was_forfeited_has_a_day_to_verify_and_is_not_blocked(world: World) -> None:
    await world.way_back(quota=1)
    both = someone(HUBDAT, await world.route(quota=1), return_route_id=world.routes["Solo - Jakarta"])
    accepted = await world.accepted(both)
    assert accepted.return_view is not None
    home, way_back = accepted.view.id, accepted.return_view.id
    assert (await world.sweep(LATER)).forfeited == 2
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (0, 0)
    await counted(world)
    # Either leg brings both.
    seen = await back(world, way_back, LATER)
    assert (seen.status, seen.verify_by) == ("REGISTERED", LATER + DAY)
    other = await world.find(home)
    assert other is not None
    assert (other.status, other.verify_by) == ("REGISTERED", LATER + DAY)
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (1, 1)
    lifted = "SELECT lifted_at, lifted_by, lift_reason FROM nik_block"
    assert await world.run(lifted) == [(LATER, "hubdat-test", REASON)]
    kinds = [kind for kind, *_ in await world.changes()]
    assert kinds[-5:] == ["REGISTRANT_MOVED"] * 2 + ["QUOTA_FILLED"] * 2 + ["NIK_BLOCK_LIFTED"]
    await counted(world)
    assert (await world.sweep(LATER + DAY)).forfeited == 0
    verified = await world.moved(home, S.VERIFIED, now=LATER + timedelta(hours=20))
    assert verified.status == "VERIFIED"
    await counted(world)


async def test_who_was_aboard_and_forfeited_all_the_same_departs_with_the_real_time(world: World) -> None:
    """The news of the verification came never, and the person travelled."""
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.sweep(LATER)
    await back(world, one.id, AFTER_DEPARTURE)
    await world.moved(one.id, S.VERIFIED, now=AFTER_DEPARTURE)
    at = LEAVES - timedelta(hours=2)
    gone = await world.moved(one.id, S.DEPARTED, now=AFTER_DEPARTURE, at=at)
    assert (gone.departed_at, gone.late) == (at, False)


async def test_who_was_not_verified_after_all_is_forfeited_and_blocked_again(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.sweep(LATER)
    await back(world, one.id, LATER)
    assert (await world.sweep(LATER + DAY + timedelta(seconds=1))).forfeited == 1
    assert await world.run("SELECT lifted_at IS NULL FROM nik_block ORDER BY since") == [(False,), (True,)]
    await counted(world)


@pytest.mark.parametrize("verified", [False, True])
async def test_who_was_cancelled_goes_back_to_where_it_was(world: World, verified: bool) -> None:
    await world.way_back()
    both = someone(HUBDAT, await world.route(), return_route_id=world.routes["Solo - Jakarta"])
    accepted = await world.accepted(both)
    home = accepted.view.id
    assert accepted.return_view is not None
    if verified:
        await world.moved(home, S.VERIFIED)
    await world.moved(home, S.CANCELLED)
    await counted(world)
    was = "VERIFIED" if verified else "REGISTERED"
    assert (await back(world, home)).status == was
    assert await world.status(accepted.return_view.id) == was
    await counted(world)
    if not verified:
        # It is counted as verified from now on, and not since its cancellation.
        await world.moved(home, S.VERIFIED)
    await world.moved(home, S.CANCELLED)
    await counted(world)


async def test_what_ended_by_itself_stays_ended(world: World) -> None:
    """The return was cancelled a day before its outbound."""
    await world.way_back()
    both = someone(HUBDAT, await world.route(), return_route_id=world.routes["Solo - Jakarta"])
    accepted = await world.accepted(both)
    assert accepted.return_view is not None
    home, way_back = accepted.view.id, accepted.return_view.id
    await world.moved(way_back, S.CANCELLED)
    await world.moved(home, S.CANCELLED, now=NOW + DAY)
    assert (await refused(world, way_back, NOW + DAY)).code == "RETURN_WITHOUT_OUTBOUND"
    await back(world, home, NOW + DAY)
    assert await world.status(way_back) == "CANCELLED"
    assert (await back(world, way_back, NOW + DAY)).status == "REGISTERED"


async def test_legs_return_together_or_not_at_all(world: World) -> None:
    await world.way_back(quota=1)
    both = someone(HUBDAT, await world.route(), return_route_id=world.routes["Solo - Jakarta"])
    home = await world.registered(both)
    await world.moved(home.id, S.CANCELLED)
    await world.registered(someone(HUBDAT, await world.route("lain"), 2))
    await world.registered(someone(HUBDAT, world.routes["Solo - Jakarta"], 2), NOW)
    assert (await refused(world, home.id)).code == "QUOTA_FULL"
    assert await world.status(home.id) == "CANCELLED"


async def trip(world: World, **changes: Any) -> tuple[UUID, UUID]:
    """Both ways of one person."""
    await world.way_back(**changes)
    both = someone(HUBDAT, await world.route(), return_route_id=world.routes["Solo - Jakarta"])
    accepted = await world.accepted(both)
    assert accepted.return_view is not None
    return accepted.view.id, accepted.return_view.id


async def test_an_outbound_that_was_erased_does_not_return_with_its_return(world: World) -> None:
    home, way_back = await trip(world)
    await world.erased_alone(home)
    assert (await refused(world, way_back)).code == "RETURN_WITHOUT_OUTBOUND"
    assert [await world.status(one) for one in (home, way_back)] == ["CANCELLED", "CANCELLED"]


async def test_a_return_that_was_erased_does_not_return_with_its_outbound(world: World) -> None:
    home, way_back = await trip(world)
    await world.moved(home, S.CANCELLED)
    await world.erased_alone(way_back)
    assert (await back(world, home)).status == "REGISTERED"
    assert await world.status(way_back) == "CANCELLED"
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (1, 0)
    await counted(world)


async def test_a_leg_of_a_verified_trip_is_verified_as_it_returns(world: World) -> None:
    """A trip is verified once."""
    home, way_back = await trip(world)
    await world.moved(way_back, S.CANCELLED)
    await world.moved(home, S.VERIFIED)
    seen = await back(world, way_back, NOW + DAY)
    assert (seen.status, seen.verified_at) == ("VERIFIED", NOW + DAY)
    steps = [(before, after) for kind, before, after, *_ in await world.changes() if kind == "REGISTRANT_MOVED"]
    assert steps[-2:] == [("CANCELLED", "REGISTERED"), ("REGISTERED", "VERIFIED")]
    await counted(world)


async def test_the_legs_of_a_trip_have_one_deadline_when_one_returns(world: World) -> None:
    """Else the outbound is forfeited within the day, and takes along the leg that was reopened."""
    home, way_back = await trip(world)
    await world.moved(way_back, S.CANCELLED)
    before = await world.find(home)
    assert before is not None
    assert before.verify_by is not None
    now = before.verify_by - timedelta(hours=2)
    assert (await back(world, way_back, now)).verify_by == now + DAY
    other = await world.find(home)
    assert other is not None
    assert (other.status, other.verify_by, other.forfeits_at) == ("REGISTERED", now + DAY, now + DAY)
    told = "kind, registrant_id, facts ->> 'verify_by'"
    assert ("DEADLINE_PROLONGED", home, (now + DAY).isoformat()) in await world.changes(told)
    await counted(world)
    assert (await world.sweep(now + DAY)).forfeited == 0
    assert (await world.sweep(now + DAY + timedelta(seconds=1))).forfeited == 2
    await counted(world)


async def moved(world: World, one: UUID, route: UUID) -> None:
    [verdict] = await world.database.attempt(
        lambda session: rerouting.move(session, world.vault, HUBDAT, [(Ref(id=one), route)], NOW)
    )
    assert isinstance(verdict, View), verdict


async def test_a_return_leaves_from_where_its_outbound_goes_by_now(world: World) -> None:
    home, way_back = await trip(world)
    await world.moved(way_back, S.CANCELLED)
    await moved(world, home, await world.route("Jakarta - Yogyakarta", destination="giwangan"))
    verdict: Any = await refused(world, way_back)
    assert (verdict.code, verdict.field, verdict.city) == ("RETURN_CITY_MISMATCH", "ref", "Kota Yogyakarta")
    await world.policy("hubdat", return_requires_outbound=False)
    assert (await back(world, way_back)).status == "REGISTERED"


async def test_a_motorcycle_returns_to_where_its_rider_goes_by_now(world: World) -> None:
    rider = await world.registered(someone(HUBDAT, await world.route()))
    truck = await world.route("Motis", service="MOTORCYCLE")
    motorcycle = await world.registered(someone(HUBDAT, truck, motorcycle=Motorcycle("B 1 ABC", "STNK 1")))
    await world.moved(motorcycle.id, S.CANCELLED)
    await moved(world, rider.id, await world.route("Jakarta - Yogyakarta", destination="giwangan"))
    verdict: Any = await refused(world, motorcycle.id)
    assert (verdict.code, verdict.field, verdict.city) == ("DESTINATION_MISMATCH", "ref", "Kota Yogyakarta")


async def test_the_seat_must_be_free(world: World) -> None:
    route = await world.route(quota=1)
    one = await world.registered(someone(HUBDAT, route))
    await world.moved(one.id, S.CANCELLED)
    await world.registered(someone(HUBDAT, route, 2))
    full = await refused(world, one.id)
    assert full.code == "QUOTA_FULL"
    assert (full.message("id"), full.message("en")) == (
        "Kuota rute ini sudah penuh; sisa 0; pendaftaran ini dapat dibuka kembali bila ada kursi kosong pada rutenya.",
        "This route's quota is full; 0 remaining; the registration can be reopened once its route has a free seat.",
    )


async def test_seats_of_one_call_are_dealt_once(world: World) -> None:
    route = await world.route(quota=2)
    ended = [await world.registered(someone(HUBDAT, route, number)) for number in (1, 2)]
    for one in ended:
        await world.moved(one.id, S.CANCELLED)
    await world.registered(someone(HUBDAT, route, 3))
    verdicts = await reopened(world, *(one.id for one in ended))
    assert [one.code if isinstance(one, Refusal) else one.status for one in verdicts] == ["REGISTERED", "QUOTA_FULL"]
    assert await world.taken() == 2


async def test_the_nik_must_be_free(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.moved(one.id, S.CANCELLED)
    await world.registered(someone(DJKA, await world.route("djka", organizer="djka")))
    verdict: Any = await refused(world, one.id)
    assert (verdict.code, verdict.standing.organizer, verdict.standing.own) == (
        "NIK_ALREADY_REGISTERED",
        "djka",
        False,
    )


async def test_of_two_ends_of_one_claim_one_returns(world: World) -> None:
    route = await world.route()
    ids = []
    for _ in range(2):
        one = await world.registered(someone(HUBDAT, route))
        await world.moved(one.id, S.CANCELLED)
        ids.append(one.id)
    verdicts = await reopened(world, *ids)
    assert [getattr(one, "code", "VIEW") for one in verdicts] == ["VIEW", "NIK_ALREADY_REGISTERED"]


async def test_another_block_stands_against_it(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.sweep(LATER)
    await world.database.attempt(
        lambda session: blocks.block(session, world.vault, HUBDAT, nik_of(1), "Data palsu", 2, LATER)
    )
    verdict: Any = await refused(world, one.id, LATER)
    assert (verdict.code, verdict.until_season) == ("NIK_BLOCKED", 2027)


async def test_a_block_that_seat_and_motorcycle_brought_together_is_lifted_with_either(world: World) -> None:
    papers = Motorcycle("B 1 ABC", "STNK 1")
    await world.registered(someone(HUBDAT, await world.route()))
    truck = await world.route("Motis", service="MOTORCYCLE")
    motorcycle = await world.registered(someone(HUBDAT, truck, motorcycle=papers))
    await world.sweep(LATER)
    assert await world.count("nik_block") == 1
    await back(world, motorcycle.id, LATER)
    assert await world.one("SELECT lifted_at FROM nik_block") == LATER


async def test_who_stands_is_answered_as_it_is(world: World) -> None:
    one = await world.verified(someone(HUBDAT, await world.route()))
    async with world.unchanged():
        assert (await back(world, one.id)).status == "VERIFIED"
    await world.moved(one.id, S.DEPARTED)
    verdict: Any = await refused(world, one.id)
    assert (verdict.code, verdict.status, verdict.allowed) == ("TRANSITION_NOT_ALLOWED", "DEPARTED", ())


async def test_what_cannot_be_reopened(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.moved(one.id, S.CANCELLED)
    assert (await refused(world, one.id, reason=" ")).code == "INVALID_VALUE"
    assert (await refused(world, one.id, reason=nik_of(1))).code == "INVALID_VALUE"
    [unknown] = await reopened(world, UUID(int=1))
    assert unknown.code == "NOT_FOUND"
    by_nik: list[Any] = await world.database.attempt(
        lambda session: reopening.reopen(session, world.vault, HUBDAT, [Ref(nik="1")], REASON, NOW)
    )
    assert [one.code for one in by_nik] == ["NIK_INVALID"]
    await world.close()
    assert (await refused(world, one.id)).code == "SEASON_CLOSED"
    await world.run("UPDATE season SET closed_at = NULL")
    await world.put(one.id, nik_index=None, nik_sealed=None, name_sealed=None, erased_at=NOW)
    assert (await refused(world, one.id)).code == "NOT_FOUND"


async def test_another_organizers_registrant_is_reopened_masked(world: World) -> None:
    one = await world.registered(someone(DKI, await world.route("dki", organizer="dishub-dki")))
    await world.moved(one.id, S.CANCELLED, DKI)
    seen = await back(world, one.id)
    assert (seen.status, seen.nik, seen.name) == ("REGISTERED", f"{'*' * 12}{nik_of(1)[-4:]}", "***")
    assert seen.verify_by is None


async def test_the_feed_tells_the_step_back(world: World) -> None:
    one = await world.verified(someone(DJKA, await world.route("djka", organizer="djka")))
    await world.sweep(AFTER_DEPARTURE)
    await back(world, one.id, AFTER_DEPARTURE)
    async with world.database.transaction() as session:
        page = await feed.page(session, ["djka"], feed.START, most=10)
    steps = [(item.change.from_status, item.change.to_status) for item in page.items]
    assert steps == [
        (None, "REGISTERED"),
        ("REGISTERED", "VERIFIED"),
        ("VERIFIED", "NO_SHOW"),
        ("NO_SHOW", "VERIFIED"),
    ]
    assert page.items[-1].change.reason == REASON


async def test_steps_back_are_counted_alike_however_late(world: World) -> None:
    """Each change is counted as it was, and not as its registrant has become."""
    route = await world.route()
    people = [await world.registered(someone(HUBDAT, route, number)) for number in range(4)]
    await world.moved(people[1].id, S.CANCELLED)
    await world.moved(people[2].id, S.VERIFIED)
    await world.moved(people[2].id, S.CANCELLED)
    await world.sweep(LATER)
    for one in people:
        await back(world, one.id, LATER)
    await world.moved(people[1].id, S.VERIFIED, now=LATER)
    await world.moved(people[3].id, S.CANCELLED, now=LATER)
    await back(world, people[3].id, LATER + timedelta(hours=2))
    await counted(world)
    tallied = "SELECT registered, verified, cancelled, forfeited, ever_verified FROM tally"
    assert await world.run(tallied) == [(2, 2, 0, 0, 2)]
    waiting = "SELECT verify_by, waiting FROM tally_deadline WHERE organizer_code = 'hubdat' ORDER BY verify_by"
    assert await world.run(waiting) == [(LATER + DAY, 1), (LATER + DAY + timedelta(hours=2), 1)]


async def test_a_leg_that_is_reopened_meanwhile_is_seen_in_the_next_attempt(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route(quota=1)))
    await world.moved(one.id, S.CANCELLED)
    with meanwhile("AS asked, leg.id", lambda: reopened(world, one.id)) as looks:
        assert (await back(world, one.id)).status == "REGISTERED"
    assert len(looks) > 2
    assert await world.taken() == 1
    assert [kind for kind, *_ in await world.changes()].count("QUOTA_FILLED") == 2


async def test_of_two_who_reopen_and_one_who_submits_at_once_one_gets_the_nik(world: World) -> None:
    """Ten rounds of a cancelled registration that is reopened while another organizer registers the person."""
    mine, theirs = await world.route(), await world.route("d", organizer="djka")
    for number in range(10):
        one = await world.registered(someone(HUBDAT, mine, number))
        await world.moved(one.id, S.CANCELLED)
        await asyncio.gather(
            reopened(world, one.id), reopened(world, one.id), world.submit(someone(DJKA, theirs, number))
        )
        holds = "SELECT count(*) FROM registrant WHERE nik_index = :index AND status = 'REGISTERED'"
        assert await world.one(holds, index=world.vault.blind_index(nik_of(number))) == 1
    seated = await world.one("SELECT sum(taken) FROM route")
    assert seated == await world.one("SELECT count(*) FROM registrant WHERE status = 'REGISTERED'") == 10
    await counted(world)
