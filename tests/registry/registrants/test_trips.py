"""One trip, one verification: whichever leg is verified, by whichever door, the other leg is verified with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted, Motorcycle
from app.registry.sweep import Swept
from tests.registry.registrants.test_forfeiture import DAY, DEADLINE, INSTANT
from tests.registry.rows.records import WAY_BACK, pushed, state, told
from tests.world import DJKA, HUBDAT, LEAVES, NOW, SOON, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
PAPERS = Motorcycle("B 1", "1")


async def pair(world: World, departs_at: datetime = LEAVES) -> tuple[UUID, UUID]:
    home = await world.route(quota=1, departs_at=departs_at)
    booked = await world.accepted(someone(HUBDAT, home, return_route_id=await world.way_back(quota=1)))
    assert booked.return_view is not None
    return booked.view.id, booked.return_view.id


async def statuses(world: World, *ids: UUID) -> list[str]:
    return [await world.status(one) for one in ids]


@pytest.mark.parametrize("first", [0, 1], ids=["the way home", "the way back"])
async def test_verifying_either_leg_verifies_both(world: World, first: int) -> None:
    legs = await pair(world)
    await world.moved(legs[first], S.VERIFIED, posko="Posko Pulo Gebang", reason=None)
    assert await statuses(world, *legs) == ["VERIFIED"] * 2
    assert await world.run("SELECT DISTINCT verified_at, posko FROM registrant") == [(NOW, "Posko Pulo Gebang")]
    moved = await world.changes("registrant_id, from_status, to_status, client_id")
    assert moved[-2:] == [(one, "REGISTERED", "VERIFIED", "hubdat-test") for one in legs]
    async with world.unchanged():
        await world.moved(legs[1 - first], S.VERIFIED)
        assert await world.sweep(DEADLINE + DAY) == Swept()
    assert await world.count("nik_block") == 0


async def test_a_bulk_call_that_names_both_legs_writes_each_once(world: World) -> None:
    legs = await pair(world)
    verdicts = await world.move(*(Move(caller=HUBDAT, ref=Ref(id=one), to=S.VERIFIED) for one in legs))
    assert [one.status for one in verdicts] == ["VERIFIED"] * 2
    assert len([one for one in await world.changes("to_status") if one == ("VERIFIED",)]) == 2


@pytest.mark.parametrize(("code", "reached"), [(2, "VERIFIED"), (3, "DEPARTED")])
async def test_a_row_verifies_the_other_leg_as_well(world: World, code: int, reached: str) -> None:
    legs = await pair(world, SOON)
    assert told(await pushed(world, state(code))) == [("UPDATED", None)]
    assert await statuses(world, *legs) == [reached, "VERIFIED"]
    [back] = await pushed(world, state(1, 1, **WAY_BACK))
    assert (back.result.value, back.status) == ("STALE", S.VERIFIED)


async def test_rows_of_both_legs_in_one_list(world: World) -> None:
    """The way home is verified; the row of the way back says no more than that it is registered."""
    await world.route()
    await world.way_back()
    verdicts = await pushed(world, state(2), state(1, 1, **WAY_BACK), state(2, 2, **WAY_BACK), state(1, 2))
    assert told(verdicts) == [("NEW", None)] * 4
    assert [one.status for one in verdicts] == [S.VERIFIED] * 4
    assert await world.run("SELECT DISTINCT status FROM registrant") == [("VERIFIED",)]


async def test_a_return_that_is_booked_when_the_outbound_is_verified_is_verified_too(world: World) -> None:
    await world.policy("hubdat", verify_within_days=7)
    home = await world.verified(someone(HUBDAT, await world.route()))
    later = NOW + 2 * DAY
    back = await world.registered(someone(HUBDAT, await world.way_back()), later)
    assert (back.status, back.verified_at, back.verify_by) == ("VERIFIED", later, home.verify_by)
    assert await world.find(back.id) == back
    assert (await world.changes("registrant_id, from_status, to_status"))[-2:] == [
        (back.id, None, "REGISTERED"),
        (back.id, "REGISTERED", "VERIFIED"),
    ]
    async with world.unchanged():
        assert await world.sweep(DEADLINE + 3 * DAY) == Swept()


@pytest.mark.parametrize(("code", "status"), [(1, S.VERIFIED), (2, S.VERIFIED), (3, S.DEPARTED)])
async def test_a_row_that_books_the_return_of_a_verified_outbound(
    world: World, code: int, status: RegistrantStatus
) -> None:
    await world.verified(someone(HUBDAT, await world.route()))
    await world.way_back(departs_at=SOON)
    row = state(code, 1, **WAY_BACK)
    [new] = await pushed(world, row)
    assert (new.result.value, new.refusal, new.status) == ("NEW", None, status)
    async with world.unchanged():
        [again] = await pushed(world, row)
    assert again.result.value == ("STALE" if code == 1 else "UNCHANGED")


async def test_a_return_in_the_batch_of_its_outbound_has_its_deadline(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    await world.policy("hubdat", verify_within_days=7)
    verdicts = await world.submit(
        someone(HUBDAT, mudik, registered_at=NOW), someone(HUBDAT, balik, registered_at=NOW - DAY)
    )
    assert [one.view.verify_by for one in verdicts if isinstance(one, Accepted)] == [DEADLINE] * 2


@pytest.mark.parametrize("days", [-1, 3], ids=["earlier", "later"])
async def test_a_return_has_the_deadline_of_its_outbound(world: World, days: int) -> None:
    """Its own would be another: registered on another day, it would have other seven days."""
    await world.policy("hubdat", verify_within_days=7)
    home = await world.registered(someone(HUBDAT, await world.route(), registered_at=NOW))
    later = NOW + max(days, 0) * DAY
    back = await world.registered(someone(HUBDAT, await world.way_back(), registered_at=NOW + days * DAY), later)
    assert back.verify_by == home.verify_by == DEADLINE
    assert (await world.sweep(DEADLINE)).forfeited == 0
    assert (await world.sweep(DEADLINE + INSTANT)).forfeited == 2
    assert await statuses(world, home.id, back.id) == ["FORFEITED"] * 2
    assert await world.run("SELECT registrant_id FROM nik_block") == [(home.id,)]


async def test_a_return_of_an_outbound_without_a_deadline_has_none(world: World) -> None:
    await world.policy("hubdat", verify_within_days=None)
    await world.registered(someone(HUBDAT, await world.route()))
    await world.policy("hubdat", verify_within_days=2)
    back = await world.registered(someone(HUBDAT, await world.way_back()))
    assert back.verify_by is None


async def test_cancelling_the_return_leaves_the_outbound_as_it_is(world: World) -> None:
    home, back = await pair(world)
    await world.moved(home, S.VERIFIED)
    await world.moved(back, S.CANCELLED)
    again = await world.registered(someone(HUBDAT, world.routes["Solo - Jakarta"]))
    assert await statuses(world, home, back, again.id) == ["VERIFIED", "CANCELLED", "VERIFIED"]
    await world.moved(home, S.CANCELLED)
    assert await statuses(world, home, back, again.id) == ["CANCELLED"] * 3


# --- trips of before this was so --------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 1], ids=["the way home", "the way back"])
@pytest.mark.parametrize("was", ["VERIFIED", "NO_SHOW"])
async def test_a_leg_is_never_forfeited_while_the_other_one_is_verified(world: World, first: int, was: str) -> None:
    """The sweep verifies it instead, and then leaves it alone."""
    legs = await pair(world)
    await world.put(legs[first], status=was, verified_at=NOW)
    assert (await world.sweep(DEADLINE + INSTANT)).forfeited == 1
    assert await statuses(world, legs[first], legs[1 - first]) == [was, "VERIFIED"]
    assert (await world.changes("registrant_id, from_status, to_status, client_id"))[-1] == (
        legs[1 - first],
        "REGISTERED",
        "VERIFIED",
        None,
    )
    assert await world.count("nik_block") == 0
    async with world.unchanged():
        assert await world.sweep(DEADLINE + INSTANT) == Swept()


@pytest.mark.parametrize("first", [0, 1], ids=["the way home", "the way back"])
async def test_a_leg_of_a_verified_trip_can_be_verified_after_its_deadline(world: World, first: int) -> None:
    legs = await pair(world)
    await world.put(legs[first], status="VERIFIED", verified_at=NOW)
    async with world.unchanged():
        direction = {} if first else WAY_BACK
        [refused] = await pushed(world, state(4, 1, **direction), now=DEADLINE + DAY)
        [verdict] = await world.move(Move(caller=HUBDAT, ref=Ref(id=legs[1 - first]), to=S.FORFEITED))
    assert (refused.code, verdict.code) == ("TRANSITION_NOT_ALLOWED", "TRANSITION_NOT_ALLOWED")
    await world.moved(legs[1 - first], S.VERIFIED, now=DEADLINE + DAY)


async def test_a_return_with_an_earlier_deadline_waits_for_its_outbound(world: World) -> None:
    home, back = await pair(world)
    await world.put(back, verify_by=DEADLINE - DAY)
    assert (await world.sweep(DEADLINE)).forfeited == 0
    await world.moved(back, S.VERIFIED, now=DEADLINE)
    assert await statuses(world, home, back) == ["VERIFIED"] * 2


# --- the motorcycle ---------------------------------------------------------------------------------------------------


async def test_a_rider_who_is_verified_is_not_blocked_for_the_motorcycle(world: World) -> None:
    """The motorcycle is verified by its own papers, and its place is forfeited. Its rider stays free."""
    rider = await world.verified(someone(HUBDAT, await world.route()))
    deck = await world.route("Motis", service="MOTORCYCLE")
    motorcycle = await world.registered(someone(HUBDAT, deck, motorcycle=PAPERS))
    assert motorcycle.status == "REGISTERED"
    assert (await world.sweep(DEADLINE + INSTANT)).forfeited == 1
    assert await statuses(world, rider.id, motorcycle.id) == ["VERIFIED", "FORFEITED"]
    assert await world.count("nik_block") == 0


async def test_what_another_organizer_verified_spares_nobody_here(world: World) -> None:
    await world.verified(someone(DJKA, await world.route("KA", organizer="djka")))
    deck = await world.route("Motis", service="MOTORCYCLE")
    motorcycle = await world.registered(someone(HUBDAT, deck, motorcycle=PAPERS))
    assert (await world.sweep(DEADLINE + INSTANT)).forfeited == 1
    assert await world.run("SELECT registrant_id FROM nik_block") == [(motorcycle.id,)]


async def test_both_legs_expire_together(world: World) -> None:
    legs = await pair(world)
    refused = await world.move(
        *(Move(caller=HUBDAT, ref=Ref(id=one), to=S.VERIFIED) for one in legs), now=DEADLINE + timedelta(hours=1)
    )
    assert [one.code for one in refused] == ["VERIFICATION_EXPIRED"] * 2
