"""A booking is submitted all or nothing; its applicant need not travel, and an infant travels on a lap."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry import erasure, subject_access
from app.registry.amending import corrections, rerouting
from app.registry.amending.corrections import Correction
from app.registry.bookings import submitting
from app.registry.bookings.submitting import AcceptedBooking, BookingSubmission, RefusedBooking
from app.registry.caller import Caller
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Applicant, Submission
from app.registry.routes import merging
from app.registry.undo import reopening
from tests.changes.counting import count_all, differences
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
MOTHER = Applicant(nik_of(900), "Ibu Contoh")
OPERATOR = Caller(None, "hubdat")


def baby(number: int = 1) -> str:
    """A NIK of somebody who was born on 10 January 2025."""
    return f"320101100125{9000 + number}"


def infant(caller: Caller, route: UUID, number: int = 1, **changes: Any) -> Submission:
    values = {"nik": baby(number), "lap_infant": True, "identity_document": "KIA", "reference": "BK-1"}
    return someone(caller, route, number, **values | changes)


def mother(route: UUID, **changes: Any) -> Submission:
    return someone(HUBDAT, route, 900, reference="BK-1", **changes)


async def submitted(world: World, *people: Submission, **changes: Any) -> Any:
    values: dict[str, Any] = {"caller": HUBDAT, "reference": "BK-1", "booked_by": MOTHER, "people": people}
    given = BookingSubmission(**values | changes)
    return await world.database.attempt(lambda session: submitting.submit(session, world.vault, given, NOW))


async def counted(world: World) -> None:
    await count_all(world.database)
    async with world.database.transaction() as session:
        assert await differences(session) == {}


async def test_everybody_is_registered(world: World) -> None:
    route, back = await world.route(quota=2), await world.way_back()
    people = (someone(HUBDAT, route, 1, return_route_id=back), someone(HUBDAT, route, 2), infant(HUBDAT, route, 3))
    done = await submitted(world, *people)
    assert isinstance(done, AcceptedBooking)
    assert [(one.view.status, one.view.reference, one.view.lap_infant) for one in done.accepted] == [
        ("REGISTERED", "BK-1", False),
        ("REGISTERED", "BK-1", False),
        ("REGISTERED", "BK-1", True),
    ]
    assert [person.registrants[0].booked_by for person in done.booking.people] == [(MOTHER.nik, MOTHER.name)] * 3
    assert (await world.taken(), await world.count("registrant")) == (2, 4)
    # The same again is the same booking, and somebody may be added.
    again = await submitted(world, *people)
    assert [one.replayed for one in again.accepted] == [True] * 3
    later = await submitted(world, *people, infant(HUBDAT, route, 4))
    assert len(later.booking.people) == 4
    await counted(world)
    assert await world.run("SELECT registered, lap_infants FROM tally WHERE direction = 'MUDIK'") == [(2, 2)]


async def test_or_nobody(world: World) -> None:
    route = await world.route(quota=2)
    await world.registered(someone(DJKA, await world.route("d", organizer="djka"), 2))
    people = [someone(HUBDAT, route, number) for number in (1, 2, 3, 4)]
    async with world.unchanged("registrant", "route", "nik_block"):
        refused = await submitted(world, *people)
    assert isinstance(refused, RefusedBooking)
    assert [one and one.code for one in refused.refusals] == [
        None,
        "NIK_ALREADY_REGISTERED",
        "QUOTA_FULL",
        "QUOTA_FULL",
    ]
    full = "This route's quota is too small; 4 wanted, 2 remaining; choose another route."
    assert [one.message("en") for one in refused.refusals[2:] if one] == [full] * 2
    # The duplicate opened its case all the same.
    assert await world.run("SELECT organizer_code, attempts FROM case_claim") == [("hubdat", 1)]
    assert await world.taken() == 0
    done = await submitted(world, people[0], people[2])
    assert len(done.booking.people) == 2


async def test_what_is_ones_own_already_wants_no_seat(world: World) -> None:
    route = await world.route(quota=2)
    await submitted(world, someone(HUBDAT, route, 1))
    refused = await submitted(world, *(someone(HUBDAT, route, number) for number in (1, 2, 3)))
    assert [one and one.code for one in refused.refusals] == [None, None, "QUOTA_FULL"]
    assert (refused.refusals[2].wanted, refused.refusals[2].left) == (2, 1)


async def test_one_person_twice_is_refused_however_the_nik_is_spelt(world: World) -> None:
    """A route that nobody knows is none of one direction: that is told of the route."""
    route = await world.route(quota=2)
    spelt = someone(HUBDAT, route, 1, nik=f" {nik_of(1)[:6]}.{nik_of(1)[6:]} ")
    async with world.unchanged():
        refused = await submitted(world, someone(HUBDAT, route, 1), someone(HUBDAT, route, 2), spelt)
        unknown = await submitted(world, someone(HUBDAT, uuid4(), 1), someone(HUBDAT, None, 1))
    assert (refused.code, refused.field) == ("INVALID_VALUE", "registrants[2].nik")
    assert [one.code for one in unknown.refusals] == ["ROUTE_UNKNOWN"] * 2


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"reference": " "}, "INVALID_VALUE", "reference"),
        ({"reference": "!"}, "INVALID_VALUE", "reference"),
        ({"people": ()}, "INVALID_VALUE", "registrants"),
        ({"caller": DJKA, "member": "bumn-satu"}, "NOT_YOURS", "member"),
    ],
)
async def test_what_is_wrong_with_the_booking(world: World, changes: Any, code: str, field: str) -> None:
    one = someone(HUBDAT, await world.route())
    async with world.unchanged():
        refused = await submitted(world, **({"people": (one,)} | changes))
        assert isinstance(refused, RefusedBooking | Refusal)
        if isinstance(refused, RefusedBooking):
            [refused] = refused.refusals
    assert (refused.code, refused.field) == (code, field)


async def test_another_code_of_a_person_is_refused(world: World) -> None:
    one = someone(HUBDAT, await world.route(), reference="BK-2")
    refused = await submitted(world, one)
    assert (refused.code, refused.field) == ("INVALID_VALUE", "registrants")


async def test_a_booking_has_twenty_people_at_most(world: World) -> None:
    route = await world.route()
    people = [someone(HUBDAT, route, number) for number in range(21)]
    async with world.unchanged():
        assert (await submitted(world, *people)).code == "BOOKING_TOO_LARGE"
    assert len((await submitted(world, *people[:20])).booking.people) == 20
    assert len((await submitted(world, *people[:20])).booking.people) == 20
    assert (await submitted(world, people[20])).code == "BOOKING_TOO_LARGE"
    await world.registered(someone(HUBDAT, route, 30, reference="BK-1"))
    assert (await submitted(world, people[0])).code == "BOOKING_TOO_LARGE"


async def test_a_coordinator_books_for_its_member(world: World) -> None:
    route = await world.route("b", organizer="bumn-satu")
    done = await submitted(world, someone(JASA_RAHARJA, route), caller=JASA_RAHARJA, member="bumn-satu")
    assert done.booking.organizer == "bumn-satu"
    [seen] = [one.registrants[0] for one in done.booking.people]
    assert (await world.find(seen.id, BUMN)).booked_by == (MOTHER.nik, MOTHER.name)  # type: ignore[union-attr]
    assert (await world.find(seen.id, DJKA)).booked_by is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("applicant", "code"), [(Applicant("1", "Ibu"), "NIK_INVALID"), (Applicant(nik_of(9), " "), "INVALID_VALUE")]
)
async def test_an_applicant_is_a_person(world: World, applicant: Applicant, code: str) -> None:
    route = await world.route()
    async with world.unchanged():
        [refused] = (await submitted(world, someone(HUBDAT, route), booked_by=applicant)).refusals
    assert (refused.code, refused.field) == (code, "bookedBy")


async def test_an_infant_takes_no_seat_and_gives_none_back(world: World) -> None:
    """Registered, cancelled, reopened, moved and merged: a route that is full stays as full as it was."""
    route, other = await world.route(quota=1), await world.route("lain", quota=1)
    await world.registered(someone(HUBDAT, route, 1, reference="BK-1"))
    await world.registered(someone(HUBDAT, other, 2, reference="BK-1"))
    one = await world.registered(infant(HUBDAT, route, 3))
    assert (await world.taken(), await world.taken("lain")) == (1, 1)
    await world.moved(one.id, S.CANCELLED)
    assert await world.taken() == 1
    refs = [Ref(id=one.id)]
    back: Any
    [back] = await world.database.attempt(
        lambda session: reopening.reopen(session, world.vault, HUBDAT, refs, "Keliru", NOW)
    )
    assert (back.status, await world.taken()) == ("REGISTERED", 1)
    moved: Any
    [moved] = await world.database.attempt(
        lambda session: rerouting.move(session, world.vault, HUBDAT, [(refs[0], other)], NOW)
    )
    assert moved.route_id == other
    assert (await world.taken(), await world.taken("lain")) == (1, 1)
    await world.run("UPDATE route SET provisional = true WHERE id = :id", id=other)
    await world.run("UPDATE route SET quota = 2 WHERE id = :id", id=route)
    merged = await world.database.attempt(lambda session: merging.merge(session, HUBDAT, other, route, NOW, admin=True))
    assert not isinstance(merged, Refusal)
    assert merged.taken == 2
    await world.moved(one.id, S.VERIFIED)
    await counted(world)
    assert await world.run("SELECT registered, verified, ever_verified, lap_infants FROM tally") == [(2, 0, 0, 1)]


async def test_who_is_no_infant_gets_no_lap(world: World) -> None:
    route = await world.route()
    async with world.unchanged():
        verdicts = await world.submit(
            infant(HUBDAT, route, 1, nik=nik_of(1)), infant(HUBDAT, route, 2, identity_document="KTP")
        )
    assert [(one.code, one.field) for one in verdicts] == [
        ("INVALID_VALUE", "lapInfant"),
        ("INVALID_VALUE", "identityDocument"),
    ]


async def test_the_applicant_is_found_and_erased(world: World) -> None:
    """The mother made the booking, and travels with another organizer."""
    await submitted(world, someone(HUBDAT, await world.route(), 1))
    hers = await world.registered(someone(DJKA, await world.route("d", organizer="djka"), 900))
    async with world.database.transaction() as session:
        held: Any = await subject_access.export(session, world.vault, OPERATOR, MOTHER.nik, NOW)
    assert [one.id for one in held.registrants] == [hers.id]
    assert [(one.nik, one.name, one.booked_by) for one in held.booked] == [(f"{'*' * 12}{nik_of(1)[-4:]}", "***", None)]
    sealed = "SELECT count(booked_by_index), count(booked_by_nik_sealed), count(booked_by_name_sealed) FROM registrant"
    assert await world.run(sealed) == [(1, 1, 1)]
    await world.database.attempt(
        lambda session: erasure.erase(session, world.vault, OPERATOR, Ref(id=hers.id), "Permintaan", NOW)
    )
    assert await world.run(sealed) == [(0, 0, 0)]


async def test_the_applicant_goes_with_the_registrant(world: World) -> None:
    done = await submitted(world, someone(HUBDAT, await world.route(), 1))
    [one] = [person.registrants[0] for person in done.booking.people]
    await world.database.attempt(
        lambda session: erasure.erase(session, world.vault, OPERATOR, Ref(id=one.id), "Permintaan", NOW)
    )
    assert await world.run("SELECT booked_by_index, booked_by_nik_sealed, booked_by_name_sealed FROM registrant") == [
        (None, None, None)
    ]


async def test_a_corrected_nik_of_an_infant_is_an_infants(world: World) -> None:
    """Else anybody could travel without a seat."""
    route = await world.route(quota=1)
    await world.registered(mother(route))
    one = await world.registered(infant(HUBDAT, route, 1))
    wrong = Correction(reason="Salah ketik", nik=nik_of(1))
    async with world.unchanged():
        refused: Any = await world.database.attempt(
            lambda session: corrections.correct(session, world.vault, HUBDAT, Ref(id=one.id), wrong, NOW)
        )
    assert (refused.code, refused.field) == ("INVALID_VALUE", "nik")
    right = Correction(reason="Salah ketik", nik=baby(2))
    seen: Any = await world.database.attempt(
        lambda session: corrections.correct(session, world.vault, HUBDAT, Ref(id=one.id), right, NOW)
    )
    assert (seen.nik, seen.lap_infant) == (baby(2), True)


async def test_a_corrected_nik_is_an_infants_on_both_ways(world: World) -> None:
    """The infant turns two between the way home and the way back."""
    home = await world.route(departs_at=datetime(2026, 3, 16, 3, tzinfo=UTC))
    back = await world.way_back(departs_at=datetime(2026, 3, 26, 3, tzinfo=UTC))
    await world.registered(mother(home, return_route_id=back))
    one = await world.registered(infant(HUBDAT, home, 1, return_route_id=back))
    turns_two = Correction(reason="Salah ketik", nik="3201012003249001")
    async with world.unchanged():
        refused: Any = await world.database.attempt(
            lambda session: corrections.correct(session, world.vault, HUBDAT, Ref(id=one.id), turns_two, NOW)
        )
    assert (refused.code, refused.field) == ("INVALID_VALUE", "nik")
    younger = Correction(reason="Salah ketik", nik="3201012703249001")
    seen: Any = await world.database.attempt(
        lambda session: corrections.correct(session, world.vault, HUBDAT, Ref(id=one.id), younger, NOW)
    )
    assert seen.nik == "3201012703249001"


async def test_an_infant_is_moved_to_a_day_on_which_it_is_an_infant(world: World) -> None:
    """Else a child of two stands at the bus without a seat."""
    route = await world.route()
    her = await world.registered(mother(route))
    one = await world.registered(infant(HUBDAT, route, 1, nik="3201012003249001"))
    later = await world.route("Bus 2", departs_at=datetime(2026, 3, 20, 3, tzinfo=UTC))
    unknown = await world.route("Bus 3", departs_at=None)
    sooner = await world.route("Bus 4", departs_at=datetime(2026, 3, 19, 3, tzinfo=UTC), quota=1)
    for route in (later, unknown):
        async with world.unchanged():
            [refused] = await moved(world, one.id, route)
        assert (refused.code, refused.field) == ("INVALID_VALUE", "routeId")
    await moved(world, her.id, sooner)
    [seen] = await moved(world, one.id, sooner)
    assert (seen.route_id, await world.taken("Bus 4")) == (sooner, 1)


async def moved(world: World, one: UUID, route: UUID) -> Any:
    wanted = [(Ref(id=one), route)]
    return await world.database.attempt(lambda session: rerouting.move(session, world.vault, HUBDAT, wanted, NOW))


async def test_a_booking_of_two_organizers_is_none(world: World) -> None:
    people = [
        someone(JASA_RAHARJA, await world.route("a", organizer="jasa-raharja"), 1),
        someone(JASA_RAHARJA, world.routes["a"], 2, member="bumn-satu"),
    ]
    async with world.unchanged():
        refused = await submitted(world, *people, caller=JASA_RAHARJA)
    assert (refused.code, refused.field) == ("INVALID_VALUE", "registrants")
