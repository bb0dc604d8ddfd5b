"""Bookings: what one is, and verifying, departing and cancelling the whole of one or some of its people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.errors import InvalidValue, NotFound, Refusal
from app.models.enums import RegistrantStatus
from app.registry.bookings import acting, finding
from app.registry.bookings.acting import PersonVerdict, Which
from app.registry.bookings.finding import Booking
from app.registry.caller import Caller
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Motorcycle
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
CODE = "BK-1"


async def booking(world: World, reference: str = CODE, caller: Caller = HUBDAT, **how: Any) -> Booking | Refusal:
    async with world.database.transaction() as session:
        return await finding.find(session, world.vault, caller, reference, **({"member": None} | how))


async def found(world: World, **how: Any) -> Booking:
    one = await booking(world, **how)
    assert isinstance(one, Booking), one
    return one


async def act(
    world: World,
    what: Any,
    *,
    only: list[Ref] | None = None,
    caller: Caller = HUBDAT,
    reference: str = CODE,
    **how: Any,
) -> Any:
    which = Which(reference=reference, only=only)
    now = how.pop("now", NOW)
    return await world.database.attempt(lambda session: what(session, world.vault, HUBDAT, which, now, **how))


def told(verdicts: list[PersonVerdict]) -> list[tuple[list[str], str | None]]:
    return [
        ([view.status for view in one.registrants], None if one.refusal is None else one.refusal.code)
        for one in verdicts
    ]


async def family(world: World) -> list[UUID]:
    """Three people; the first two come back as well, and the first brings a motorcycle."""
    home, back = await world.route(), await world.way_back()
    ids = []
    for number in (1, 2, 3):
        way_back = back if number < 3 else None
        one = await world.registered(someone(HUBDAT, home, number, reference=CODE, return_route_id=way_back))
        ids.append(one.id)
    truck = await world.route("Motis", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, truck, 1, reference=CODE, motorcycle=Motorcycle("B 1", "1")))
    return ids


async def test_a_booking_is_all_that_was_registered_under_one_code(world: World) -> None:
    first, *_ = await family(world)
    await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 4, reference="BK-2"))
    await world.registered(someone(DJKA, await world.route("d", organizer="djka"), 5, reference=CODE))
    one = await found(world)
    assert (one.organizer, one.season, one.reference) == ("hubdat", 2026, CODE)
    assert [[(each.direction, each.service) for each in person.registrants] for person in one.people] == [
        [("MUDIK", "PASSENGER"), ("BALIK", "PASSENGER"), ("MUDIK", "MOTORCYCLE")],
        [("MUDIK", "PASSENGER"), ("BALIK", "PASSENGER")],
        [("MUDIK", "PASSENGER")],
    ]
    assert one.people[0].registrants[0].id == first
    assert [person.registrants[0].nik for person in one.people] == [nik_of(number) for number in (1, 2, 3)]


async def test_whose_and_when(world: World) -> None:
    await world.registered(someone(BUMN, await world.route("b", organizer="bumn-satu"), reference=CODE))
    assert isinstance(await booking(world, caller=JASA_RAHARJA), NotFound)
    assert len((await found(world, caller=JASA_RAHARJA, member="bumn-satu")).people) == 1
    assert len((await found(world, caller=BUMN, season=2026)).people) == 1
    assert isinstance(await booking(world, caller=BUMN, season=2025), NotFound)
    foreign: Any = await booking(world, caller=DJKA, member="bumn-satu")
    assert foreign.code == "NOT_YOURS"
    unfit: Any = await booking(world, "BK 1\n!")
    assert (unfit.code, unfit.field) == ("INVALID_VALUE", "reference")


async def test_a_code_that_many_share_is_no_booking(world: World) -> None:
    route = await world.route()
    people = [someone(HUBDAT, route, number, reference="ONLINE") for number in range(20)]
    assert all(not isinstance(one, Refusal) for one in await world.submit(*people))
    assert len((await found(world, reference="ONLINE")).people) == 20
    await world.registered(someone(HUBDAT, route, 20, reference="ONLINE"))
    async with world.unchanged():
        for what, how in (
            (acting.verify, {}),
            (acting.depart, {"healthy": True}),
            (acting.cancel, {"reason": "Batal"}),
        ):
            refused = await act(world, what, reference="ONLINE", **how)
            assert (refused.code, refused.field) == ("BOOKING_TOO_LARGE", "reference")
    assert refused.message("id") == "Kode booking ini dipakai lebih dari 20 orang; kirim daftar orangnya."
    assert refused.message("en") == "More than 20 people carry this booking code; send a list of the people."


async def test_the_whole_booking_is_verified_departs_and_is_cancelled(world: World) -> None:
    await family(world)
    verified = await act(world, acting.verify, posko="Posko Pulo Gebang")
    assert told(verified) == [(["VERIFIED"] * 3, None), (["VERIFIED"] * 2, None), (["VERIFIED"], None)]
    assert await world.run("SELECT DISTINCT posko FROM registrant") == [("Posko Pulo Gebang",)]
    async with world.unchanged():
        assert told(await act(world, acting.verify)) == told(verified)
    now = LEAVES
    departed = await act(world, acting.depart, healthy=True, now=now)
    assert told(departed) == [(["DEPARTED"], None)] * 3
    # The motorcycle was not handed over.
    trucked = await act(world, acting.depart, healthy=True, service="MOTORCYCLE", now=now)
    assert told(trucked) == [(["VERIFIED"], "MOTORCYCLE_NOT_HANDED_OVER")]
    returned = await act(world, acting.depart, healthy=True, direction="BALIK", now=now)
    assert told(returned) == [(["DEPARTED"], None)] * 2
    ended = await act(world, acting.cancel, reason="Batal", now=now)
    refused = "TRANSITION_NOT_ALLOWED"
    assert told(ended) == [
        (["DEPARTED", "DEPARTED", "CANCELLED"], refused),
        (["DEPARTED", "DEPARTED"], refused),
        (["DEPARTED"], refused),
    ]


async def test_a_verdict_for_each_person(world: World) -> None:
    ids = await family(world)
    await world.moved(ids[1], S.CANCELLED)
    await world.put(ids[2], status="FORFEITED")
    verdicts = await act(world, acting.verify)
    assert told(verdicts) == [
        (["VERIFIED"] * 3, None),
        (["CANCELLED"] * 2, "TRANSITION_NOT_ALLOWED"),
        (["FORFEITED"], "TRANSITION_NOT_ALLOWED"),
    ]
    assert told(await act(world, acting.depart, healthy=False)) == [
        (["VERIFIED"], "NOT_HEALTHY"),
        (["CANCELLED"], "TRANSITION_NOT_ALLOWED"),
        (["FORFEITED"], "TRANSITION_NOT_ALLOWED"),
    ]


async def test_whoever_registered_anew_is_meant_and_not_the_ended_registration(world: World) -> None:
    route = await world.route()
    first = await world.registered(someone(HUBDAT, route, reference=CODE))
    await world.moved(first.id, S.CANCELLED)
    second = await world.registered(someone(HUBDAT, route, reference=CODE))
    assert [one.id for one in (await found(world)).people[0].registrants] == [first.id, second.id]
    [verdict] = await act(world, acting.cancel, reason="Batal")
    assert [one.id for one in verdict.registrants] == [second.id]


async def test_some_of_it(world: World) -> None:
    ids = await family(world)
    some = [Ref(nik=nik_of(1)), Ref(id=ids[2])]
    verdicts = await act(world, acting.cancel, only=some, reason="Batal")
    assert told(verdicts) == [(["CANCELLED"] * 3, None), (["CANCELLED"], None)]
    assert await world.status(ids[1]) == "REGISTERED"
    other = await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 9, reference="BK-9"))
    async with world.unchanged():
        for wrong, code in (([Ref(id=ids[1]), Ref(id=other.id)], "NOT_FOUND"), ([Ref(nik="1")], "NIK_INVALID")):
            refused = await act(world, acting.cancel, only=wrong, reason="Batal")
            assert refused.code == code
        assert await act(world, acting.verify, only=[]) == []


async def test_what_is_wrong_with_the_call_is_every_persons(world: World) -> None:
    await family(world)
    async with world.unchanged():
        calls: list[tuple[Any, dict[str, Any]]] = [
            (acting.cancel, {"reason": ""}),
            (acting.verify, {"posko": nik_of(1)}),
        ]
        for what, how in calls:
            verdicts = await act(world, what, **how)
            assert [type(one.refusal) for one in verdicts] == [InvalidValue] * 3
    assert isinstance(await act(world, acting.verify, reference="BK-2"), NotFound)


async def test_a_booking_takes_as_many_statements_as_one_person(world: World) -> None:
    route = await world.route()
    counts = []
    for code, numbers in (("BK-2", range(100, 101)), ("BK-3", range(200, 220))):
        await world.submit(*(someone(HUBDAT, route, number, reference=code) for number in numbers))
        with world.statements() as issued:
            await act(world, acting.verify, reference=code)
        counts.append(len(issued))
    assert counts[0] == counts[1]
