"""A lap infant travels on somebody's lap: somebody of its booking has a seat on its route, whatever the door."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry.bookings import submitting
from app.registry.bookings.submitting import BookingSubmission, RefusedBooking
from app.registry.caller import Caller
from app.registry.registrants.submission import Accepted, Submission
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
ALONE = "INVALID_VALUE lapInfant"


def adult(route: UUID | None, number: int = 1, caller: Caller = HUBDAT, **changes: Any) -> Submission:
    return someone(caller, route, number, **{"reference": "BK-1"} | changes)


def infant(route: UUID, number: int = 1, caller: Caller = HUBDAT, **changes: Any) -> Submission:
    values = {"nik": f"320101100125{9000 + number}", "lap_infant": True, "identity_document": "KIA"}
    return adult(route, number, caller, **values | changes)


def said(verdict: Accepted | Refusal | None) -> str:
    if isinstance(verdict, Refusal):
        return f"{verdict.code} {verdict.field}"
    return "accepted" if verdict is None or not verdict.replayed else "replayed"


async def told(world: World, *people: Submission) -> list[str]:
    return [said(one) for one in await world.submit(*people)]


async def test_an_infant_is_refused_with_all_of_its_adults(world: World) -> None:
    route = await world.route()
    await world.registered(someone(DJKA, await world.route("d", organizer="djka"), 1))
    async with world.unchanged("registrant", "route"):
        assert await told(world, adult(route), infant(route)) == ["NIK_ALREADY_REGISTERED nik", ALONE]
        assert await told(world, infant(route), adult(route)) == [ALONE, "NIK_ALREADY_REGISTERED nik"]
    # One of the adults is enough.
    assert await told(world, infant(route), adult(route), adult(route, 2)) == [
        "accepted",
        "NIK_ALREADY_REGISTERED nik",
        "accepted",
    ]


async def test_an_infant_is_refused_when_its_adults_find_the_route_full(world: World) -> None:
    route = await world.route(quota=1)
    one, other = infant(route), infant(route, 2, reference="BK-2")
    people = (other, one, adult(route), adult(route, 2, reference="BK-2"))
    assert await told(world, *people) == [ALONE, "accepted", "accepted", "QUOTA_FULL routeId"]


@pytest.mark.parametrize(
    "changes",
    [{"reference": None}, {"reference": "BK-2"}, {"route": "Bus 2"}, {"route": None}],
    ids=["no code", "another code", "another route", "no route"],
)
async def test_who_is_not_of_the_booking_and_the_route_has_no_lap(world: World, changes: dict[str, Any]) -> None:
    route = await world.route()
    if "route" in changes:
        changes = {"route": await world.route("Bus 2") if changes["route"] else None}
    companion = adult(**{"route": route} | changes)
    assert (await told(world, companion, infant(route)))[1] == ALONE
    assert await told(world, infant(route)) == [ALONE]


async def test_an_infant_without_a_booking_code_has_nobody(world: World) -> None:
    route = await world.route()
    verdicts = await world.submit(adult(route, reference=None), infant(route, reference=None))
    assert [said(one) for one in verdicts] == ["accepted", ALONE]
    refused: Any = verdicts[1]
    assert "kode booking" in refused.message("id")
    assert "booking code" in refused.message("en")


async def test_an_infant_may_come_later_and_a_repeat_stays_harmless(world: World) -> None:
    """The repeat is a repeat also when nobody of the booking is there any more."""
    route = await world.route()
    home = await world.registered(adult(route))
    assert await told(world, infant(route)) == ["accepted"]
    await world.moved(home.id, S.CANCELLED)
    async with world.unchanged():
        assert await told(world, infant(route), infant(route, 2)) == ["replayed", ALONE]


async def test_each_way_has_its_lap(world: World) -> None:
    """The mother stays with her parents: nobody holds the infant on the way back."""
    route, back = await world.route(), await world.way_back()
    both = infant(route, return_route_id=back)
    assert await told(world, adult(route), both) == ["accepted", ALONE]
    assert await world.count("registrant") == 1
    assert await told(world, both, adult(route, 2, return_route_id=back)) == ["accepted", "accepted"]


async def test_an_infant_sits_on_no_infant(world: World) -> None:
    route = await world.route()
    assert await told(world, infant(route), infant(route, 2)) == [ALONE, ALONE]


async def test_a_booking_is_of_one_organizer(world: World) -> None:
    """A coordinator's code is not its member's, on the same route."""
    route = await world.route("a", organizer="jasa-raharja")
    mothers = adult(route, 1, JASA_RAHARJA)
    of_the_member = infant(route, 1, JASA_RAHARJA, member=BUMN.organizer)
    assert await told(world, mothers, of_the_member) == ["accepted", ALONE]
    fathers = adult(route, 2, JASA_RAHARJA, member=BUMN.organizer)
    assert await told(world, of_the_member, fathers) == ["accepted", "accepted"]


async def test_of_a_code_that_hundreds_share_nobody_can_tell(world: World) -> None:
    route, other = await world.route(), await world.route("Bus 2", quota=400)
    await world.submit(*(adult(other, number, reference="ONLINE") for number in range(10, 331)))
    assert await told(world, infant(route, reference="ONLINE")) == ["accepted"]


async def test_a_booking_that_is_submitted_whole_obeys_the_same_rule(world: World) -> None:
    route = await world.route()

    async def submitted(*people: Submission) -> Any:
        given = BookingSubmission(caller=HUBDAT, reference="BK-1", people=people)
        return await world.database.attempt(lambda session: submitting.submit(session, world.vault, given, NOW))

    await world.registered(someone(DJKA, await world.route("d", organizer="djka"), 1))
    async with world.unchanged("registrant", "route"):
        alone = await submitted(infant(route))
        refused = await submitted(infant(route), adult(route))
    assert isinstance(alone, RefusedBooking)
    assert [said(one) for one in alone.refusals] == [ALONE]
    assert [said(one) for one in refused.refusals] == [ALONE, "NIK_ALREADY_REGISTERED nik"]
    assert len((await submitted(infant(route), adult(route, 2))).accepted) == 2
    assert len((await submitted(infant(route, 2))).accepted) == 1


async def test_what_the_infants_own_nik_holds_is_not_told_where_nobody_holds_the_infant(world: World) -> None:
    """Else an infant would be a free look at any NIK."""
    theirs = await world.route("d", organizer="djka")
    held = infant(theirs, caller=DJKA)
    await world.submit(adult(theirs, 5, DJKA), held)
    route = await world.route()
    looks = await world.count("nik_access")
    assert await told(world, infant(route), infant(route, 2)) == [ALONE, ALONE]
    assert await world.count("nik_access") == looks
    assert await told(world, adult(route), infant(route)) == ["accepted", "NIK_ALREADY_REGISTERED nik"]


async def test_a_hundred_infants_take_as_many_statements_as_one(world: World) -> None:
    route = await world.route(quota=1000)
    taken = []
    for families in (range(1), range(1, 101)):
        people = [one for family in families for one in _family(route, family)]
        with world.statements() as issued:
            assert set(await told(world, *people)) == {"accepted"}
        taken.append(len(issued))
    assert taken[0] == taken[1] <= 13


def _family(route: UUID, number: int) -> tuple[Submission, Submission]:
    code = f"F-{number}"
    return infant(route, number, reference=code), adult(route, number + 500, reference=code)
