"""Moving people to another route: seats, pairs and cities; in the log, in the feed and as an event; or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.errors import Raced, Refusal
from app.models.enums import RegistrantStatus
from app.registry.amending import rerouting
from app.registry.amending.rerouting import Reroute
from app.registry.caller import Caller
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.view import View
from tests.registry.meanwhile import meanwhile
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
PAPERS = Motorcycle("B 1", "1")


async def moved(world: World, *wanted: tuple[UUID, UUID], caller: Caller = HUBDAT) -> list[Any]:
    refs = [(Ref(id=one), route_id) for one, route_id in wanted]
    return await world.database.attempt(lambda session: rerouting.move(session, world.vault, caller, refs, NOW))


async def refused(world: World, one: UUID, route_id: UUID, caller: Caller = HUBDAT) -> tuple[str, str | None]:
    async with world.unchanged():
        [refusal] = await moved(world, (one, route_id), caller=caller)
    assert isinstance(refusal, Refusal), refusal
    return refusal.code, refusal.field


# --- seats ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [S.REGISTERED, S.VERIFIED])
async def test_the_seat_goes_along(world: World, status: RegistrantStatus) -> None:
    here, there = await world.route("Bus 1", quota=1), await world.route("Bus 2", quota=1)
    one = await world.registered(someone(HUBDAT, here, reference="BK-1"))
    if status == S.VERIFIED:
        await world.moved(one.id, S.VERIFIED)
    before = await world.count("change")
    [view] = await moved(world, (one.id, there))
    assert isinstance(view, View)
    assert (view.id, view.route_id, view.status, view.nik, view.reference) == (one.id, there, status, nik_of(1), "BK-1")
    assert [await world.taken("Bus 1"), await world.taken("Bus 2")] == [0, 1]
    columns = "kind, registrant_id, route_id, from_status, to_status, client_id, facts"
    assert (await world.changes(columns))[before:] == [
        ("REGISTRANT_REROUTED", one.id, there, status, status, "hubdat-test", {"from_route": str(here)}),
        ("QUOTA_RETURNED", None, here, None, None, None, {"seats": 1}),
        ("QUOTA_FILLED", None, there, None, None, None, None),
    ]
    # The seat here is free at once.
    assert (await world.accepted(someone(HUBDAT, here, 2))).replayed is False


async def test_to_where_one_is_already_changes_nothing(world: World) -> None:
    route = await world.route(quota=1)
    one = await world.registered(someone(HUBDAT, route))
    async with world.unchanged():
        [view] = await moved(world, (one.id, route))
    assert view.route_id == route


async def test_a_full_route_takes_nobody(world: World) -> None:
    here, there = await world.route("Bus 1"), await world.route("Bus 2", quota=1)
    one = await world.registered(someone(HUBDAT, here, 1))
    await world.registered(someone(HUBDAT, there, 2))
    assert await refused(world, one.id, there) == ("QUOTA_FULL", "routeId")
    await world.release(there, 1, NOW)
    assert isinstance((await moved(world, (one.id, there)))[0], View)


async def test_each_of_many_is_judged_against_what_the_ones_before_it_left(world: World) -> None:
    here, there = await world.route("Bus 1", quota=2), await world.route("Bus 2", quota=1)
    people = [await world.registered(someone(HUBDAT, here, number)) for number in (1, 2)]
    third = await world.registered(someone(HUBDAT, there, 3))
    away = await world.route("Bus 3")
    full, gone, second = await moved(world, (people[0].id, there), (third.id, away), (people[1].id, there))
    assert full.code == "QUOTA_FULL"
    assert (gone.route_id, second.route_id) == (away, there)
    assert [await world.taken(f"Bus {number}") for number in (1, 2, 3)] == [1, 1, 1]
    [again] = await moved(world, (people[0].id, there))
    assert again.code == "QUOTA_FULL"


async def test_there_and_back_again_is_nothing(world: World) -> None:
    here, there = await world.route("Bus 1", quota=1), await world.route("Bus 2", quota=1)
    one = await world.registered(someone(HUBDAT, here))
    async with world.unchanged():
        await moved(world, (one.id, there), (one.id, here))


# --- what is refused --------------------------------------------------------------------------------------------------


async def test_what_is_no_route_for_it(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    truck = await world.route("Truk", service="MOTORCYCLE")
    theirs = await world.route("KA", organizer="djka")
    left = await world.route("Kemarin", departs_at=NOW - timedelta(days=1))
    await world.season(2025, NOW.date())
    old = await world.route("Tahun lalu", season=2025)
    assert await refused(world, one.id, uuid4()) == ("ROUTE_UNKNOWN", "routeId")
    assert await refused(world, one.id, theirs) == ("NOT_YOURS", "routeId")
    assert await refused(world, one.id, left) == ("ROUTE_DEPARTED", "routeId")
    for other in (truck, await world.way_back(), old):
        assert await refused(world, one.id, other) == ("INVALID_VALUE", "routeId")


async def test_who_is_no_registrant_of_ones_own(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    there = await world.route("KA", organizer="djka")
    assert await refused(world, one.id, there, DJKA) == ("NOT_FOUND", "ref")
    assert await refused(world, uuid4(), there) == ("NOT_FOUND", "ref")


async def test_a_member_and_its_coordinator(world: World) -> None:
    """As in a submission: a coordinator may put its member's people on its own routes."""
    here, there = await world.route(organizer="bumn-satu"), await world.route("JR", organizer="jasa-raharja")
    one = await world.registered(someone(BUMN, here))
    assert await refused(world, one.id, there, BUMN) == ("NOT_YOURS", "routeId")
    [view] = await moved(world, (one.id, there), caller=JASA_RAHARJA)
    assert view.route_id == there


@pytest.mark.parametrize("status", [S.DEPARTED, S.NO_SHOW, S.CANCELLED, S.FORFEITED])
async def test_who_has_departed_or_ended_stays(world: World, status: RegistrantStatus) -> None:
    one = await world.registered(someone(HUBDAT, await world.route("Bus 1")))
    if status in {S.DEPARTED, S.NO_SHOW}:
        await world.moved(one.id, S.VERIFIED)
    await world.moved(one.id, status)
    assert await refused(world, one.id, await world.route("Bus 2")) == ("INVALID_VALUE", "ref")


async def test_a_closed_season_stays_as_it_is(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route("Bus 1")))
    there = await world.route("Bus 2")
    await world.close()
    assert await refused(world, one.id, there) == ("SEASON_CLOSED", "ref")


# --- the trip ---------------------------------------------------------------------------------------------------------


async def trip(world: World) -> tuple[View, View, View]:
    """Both ways, and the motorcycle that goes along."""
    pair = await world.accepted(someone(HUBDAT, await world.route(), return_route_id=await world.way_back()))
    truck = await world.registered(someone(HUBDAT, await world.route("Truk", service="MOTORCYCLE"), motorcycle=PAPERS))
    assert pair.return_view is not None
    return pair.view, pair.return_view, truck


async def test_one_leg_alone_stays_with_the_cities_of_the_trip(world: World) -> None:
    there, back, truck = await trip(world)
    yogya = await world.route("Yogya", destination="giwangan")
    from_yogya = await world.way_back("dari Yogya", origin="giwangan")
    truck_to_yogya = await world.route("Truk Yogya", service="MOTORCYCLE", destination="giwangan")
    async with world.unchanged():
        [home, returning, motorcycle] = await moved(world, (there.id, yogya), (back.id, from_yogya)) + await moved(
            world, (truck.id, truck_to_yogya)
        )
    assert home.code in {"RETURN_CITY_MISMATCH", "DESTINATION_MISMATCH"}
    assert returning.code == "RETURN_CITY_MISMATCH"
    assert (motorcycle.code, motorcycle.city) == ("DESTINATION_MISMATCH", "Kota Surakarta")
    # Another bus to the same city is fine.
    [view] = await moved(world, (there.id, await world.route("Solo Balapan", destination="solo-balapan")))
    assert view.outbound_id is None
    assert (await world.find(back.id)).outbound_id == there.id  # type: ignore[union-attr]


async def test_a_whole_trip_goes_to_another_city(world: World) -> None:
    legs = await trip(world)
    yogya = await world.route("Yogya", destination="giwangan", quota=1)
    from_yogya = await world.way_back("dari Yogya", origin="giwangan", quota=1)
    truck = await world.route("Truk Yogya", service="MOTORCYCLE", destination="giwangan", quota=1)
    wanted = list(zip((leg.id for leg in legs), (yogya, from_yogya, truck), strict=True))
    views = await moved(world, *wanted)
    assert [view.route_id for view in views] == [yogya, from_yogya, truck]
    assert views[1].outbound_id == legs[0].id
    assert [await world.taken(name) for name in ("Yogya", "dari Yogya", "Truk Yogya", "Jakarta - Solo")] == [1, 1, 1, 0]


async def test_a_trip_that_does_not_fit_as_a_whole_is_judged_leg_by_leg(world: World) -> None:
    there, back, _ = await trip(world)
    full = await world.way_back("Penuh", quota=0)
    other = await world.route("Solo Balapan", destination="solo-balapan")
    home, returning = await moved(world, (there.id, other), (back.id, full))
    assert home.route_id == other
    assert returning.code == "QUOTA_FULL"


async def test_where_the_policy_lets_a_return_go_alone_they_are_parted(world: World) -> None:
    await world.policy("hubdat", return_requires_outbound=False)
    pair = await world.accepted(someone(HUBDAT, await world.route(), return_route_id=await world.way_back()))
    assert pair.return_view is not None
    [view] = await moved(world, (pair.view.id, await world.route("Yogya", destination="giwangan")))
    assert isinstance(view, View)
    assert (await world.find(pair.return_view.id)).outbound_id is None  # type: ignore[union-attr]


async def test_another_organizers_motorcycle_does_not_count(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    deck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    await world.registered(someone(DJKA, deck, motorcycle=PAPERS))
    [view] = await moved(world, (one.id, await world.route("Yogya", destination="giwangan")))
    assert isinstance(view, View)


async def test_an_outbound_that_was_missed_binds_no_return(world: World) -> None:
    there, back, truck = await trip(world)
    await world.moved(truck.id, S.CANCELLED)
    await world.moved(there.id, S.VERIFIED)
    await world.moved(there.id, S.NO_SHOW)
    [view] = await moved(world, (back.id, await world.way_back("dari Yogya", origin="giwangan")))
    assert isinstance(view, View)


# --- at once ----------------------------------------------------------------------------------------------------------


async def test_who_was_moved_before_the_lock_is_seen_again(world: World) -> None:
    here, there = await world.route("Bus 1", quota=1), await world.route("Bus 2", quota=1)
    third = await world.route("Bus 3", quota=1)
    one = await world.registered(someone(HUBDAT, here))

    async def move_elsewhere() -> None:
        await moved(world, (one.id, third))

    with meanwhile("SELECT route_id FROM registrant WHERE id = ANY", move_elsewhere) as seen:
        [view] = await moved(world, (one.id, there))
    assert len(seen) == 2
    assert view.route_id == there
    assert [await world.taken(f"Bus {number}") for number in (1, 2, 3)] == [0, 1, 0]


async def test_a_return_that_comes_before_the_lock_is_seen(world: World) -> None:
    there = await world.registered(someone(HUBDAT, await world.route()))
    back = await world.way_back()
    yogya = await world.route("Yogya", destination="giwangan")

    async def book_return() -> None:
        await world.registered(someone(HUBDAT, back))

    with meanwhile("FOR NO KEY UPDATE OF r", book_return, before=True):
        [refusal] = await moved(world, (there.id, yogya))
    assert refusal.code == "RETURN_CITY_MISMATCH"


async def test_a_return_that_comes_after_the_lock_loses_the_race(world: World) -> None:
    there = await world.registered(someone(HUBDAT, await world.route()))
    back = await world.way_back()
    yogya = await world.route("Yogya", destination="giwangan")

    async def move_away() -> None:
        await moved(world, (there.id, yogya))

    with meanwhile("FOR SHARE OF r", move_away, before=True):
        [refusal] = await world.submit(someone(HUBDAT, back))
    assert refusal.code == "RETURN_CITY_MISMATCH"


async def test_so_does_a_motorcycle(world: World) -> None:
    rider = await world.registered(someone(HUBDAT, await world.route()))
    truck = await world.route("Truk", service="MOTORCYCLE")
    yogya = await world.route("Yogya", destination="giwangan")

    async def move_away() -> None:
        await moved(world, (rider.id, yogya))

    with meanwhile("FOR SHARE OF r", move_away, before=True):
        [refusal] = await world.submit(someone(HUBDAT, truck, motorcycle=PAPERS))
    assert refusal.code == "DESTINATION_MISMATCH"


async def test_whoever_comes_between_lock_and_look_is_a_lost_race(world: World) -> None:
    await world.policy("hubdat", return_requires_outbound=False)
    there = await world.registered(someone(HUBDAT, await world.route()))
    back = await world.registered(someone(HUBDAT, await world.way_back(), 2))
    other = await world.route("Bus 2")

    async def somebody_corrects_the_nik() -> None:
        await world.put(back.id, nik_index=world.vault.blind_index(nik_of(1)))

    async def once() -> None:
        async with world.database.transaction() as session:
            await rerouting.reroute(session, world.vault, [Reroute(id=there.id, route_id=other, caller=HUBDAT)], NOW)

    with meanwhile("FOR NO KEY UPDATE OF r", somebody_corrects_the_nik) as seen, pytest.raises(Raced):
        await once()
    assert len(seen) == 1
    assert await world.taken("Bus 2") == 0


async def test_who_is_not_there_is_not_found(world: World) -> None:
    there = await world.route()
    async with world.database.transaction() as session:
        [refusal] = await rerouting.reroute(
            session, world.vault, [Reroute(id=uuid4(), route_id=there, caller=HUBDAT)], NOW
        )
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == ("NOT_FOUND", "ref")


async def test_two_moves_of_one_registrant(world: World) -> None:
    """One after the other."""
    here, there = await world.route("Bus 1", quota=2), await world.route("Bus 2", quota=1)
    third = await world.route("Bus 3", quota=1)
    one = await world.registered(someone(HUBDAT, here, 1))
    await world.registered(someone(HUBDAT, there, 2))
    full, moved_on = await moved(world, (one.id, there), (one.id, third))
    assert full.code == "QUOTA_FULL"
    assert moved_on.route_id == third
