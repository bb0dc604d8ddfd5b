"""Motorcycles: their papers, and their hand-over before the departure."""

from datetime import timedelta
from typing import Any

import pytest

from app.errors import InvalidValue, MotorcycleRequired
from app.models.enums import RegistrantStatus
from app.registry.caller import Caller
from app.registry.registrants import motorcycles
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.view import View
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

HONDA = Motorcycle("B 1234 XYZ", "0012345")
S = RegistrantStatus


async def hand_over(world: World, *refs: Ref, caller: Caller = HUBDAT, at: Any = None) -> list[Any]:
    return await world.database.attempt(
        lambda session: motorcycles.hand_over(session, world.vault, caller, refs, at, NOW)
    )


async def loaded(world: World, number: int = 1, **changes: Any) -> View:
    deck = world.routes.get("Motis") or await world.route("Motis", service="MOTORCYCLE")
    return await world.registered(someone(HUBDAT, deck, number, motorcycle=HONDA, **changes))


def test_papers_are_tidied() -> None:
    assert motorcycles.judge("MOTORCYCLE", Motorcycle(" ab  12 c", "x-1 ")) == Motorcycle("AB 12 C", "X-1")
    assert motorcycles.judge("MOTORCYCLE", Motorcycle("A" * 30, "B" * 30)) == Motorcycle("A" * 30, "B" * 30)


@pytest.mark.parametrize(
    "papers",
    [
        None,
        Motorcycle("", "1"),
        Motorcycle("A", " "),
        Motorcycle("A" * 31, "1"),
        Motorcycle("A", "1" * 31),
        Motorcycle("A\x00", "1"),
        Motorcycle("A", "\ud800"),
    ],
)
def test_papers_are_required(papers: Motorcycle | None) -> None:
    refused = motorcycles.judge("MOTORCYCLE", papers)
    assert isinstance(refused, MotorcycleRequired)
    assert refused.field == "motorcycle"


@pytest.mark.parametrize("papers", [Motorcycle(nik_of(1), "1"), Motorcycle("AB 1", "3201-0101-0190-9001")])
def test_papers_are_no_nik(papers: Motorcycle) -> None:
    refused = motorcycles.judge("MOTORCYCLE", papers)
    assert isinstance(refused, InvalidValue)
    assert refused.field == "motorcycle"


def test_a_passenger_has_none() -> None:
    assert motorcycles.judge("PASSENGER", None) is None
    refused = motorcycles.judge("PASSENGER", HONDA)
    assert isinstance(refused, InvalidValue)
    assert refused.field == "motorcycle"
    assert refused.message("id") == "Rute ini untuk penumpang; daftarkan sepeda motor pada rute sepeda motor."
    assert refused.message("en") == "This route is for passengers; register the motorcycle on a motorcycle route."


async def test_a_motorcycle_is_handed_over_once(world: World) -> None:
    one = await loaded(world)
    yesterday = NOW - timedelta(days=1)
    [seen] = await hand_over(world, Ref(id=one.id), at=yesterday)
    assert seen == await world.find(one.id)
    assert seen.handed_over_at == yesterday
    assert (await world.changes("kind, organizer_code, registrant_id, route_id, client_id"))[1:] == [
        ("MOTORCYCLE_HANDED_OVER", "hubdat", one.id, one.route_id, "hubdat-test")
    ]
    async with world.unchanged():
        [again] = await hand_over(world, Ref(id=one.id))
    assert again == seen


async def test_many_are_handed_over_together_each_with_its_verdict(world: World) -> None:
    first, second = await loaded(world, 1, reference="BK-1"), await loaded(world, 2)
    ended = await loaded(world, 3)
    await world.moved(ended.id, S.CANCELLED)
    seat = await world.registered(someone(HUBDAT, await world.route(), 1))
    verdicts = await hand_over(
        world,
        Ref(reference="BK-1"),
        Ref(id=seat.id),
        Ref(nik=nik_of(2), service="MOTORCYCLE"),
        Ref(id=first.id),
        Ref(id=ended.id),
        Ref(reference="BK-2"),
        Ref(nik="1"),
    )
    assert [getattr(one, "code", None) or one.id for one in verdicts] == [
        first.id,
        "INVALID_VALUE",
        second.id,
        first.id,
        "INVALID_VALUE",
        "NOT_FOUND",
        "NIK_INVALID",
    ]
    assert verdicts[1].message("id") == "Pendaftaran ini bukan sepeda motor; pilih pendaftaran sepeda motornya."
    assert verdicts[1].message("en") == "This registration is not a motorcycle's; name the one of the motorcycle."
    assert [verdicts[place].field for place in (1, 4, 5, 6)] == ["ref", "ref", "ref", "nik"]
    assert await world.one("SELECT count(*) FROM registrant WHERE handed_over_at = :now", now=NOW) == 2
    assert await world.one("SELECT count(*) FROM change WHERE kind = 'MOTORCYCLE_HANDED_OVER'") == 2


async def test_another_organizers_motorcycle_is_not_found(world: World) -> None:
    one = await loaded(world)
    async with world.unchanged():
        [refused] = await hand_over(world, Ref(id=one.id), caller=DJKA)
    assert refused.code == "NOT_FOUND"


async def test_not_in_the_future(world: World) -> None:
    one = await loaded(world)
    async with world.unchanged():
        refused = await hand_over(world, Ref(id=one.id), Ref(id=one.id), at=NOW + timedelta(hours=1))
    assert [(one.code, one.field) for one in refused] == [("INVALID_VALUE", "at")] * 2


async def test_a_closed_season_is_read_only(world: World) -> None:
    one = await loaded(world)
    await world.close()
    async with world.unchanged():
        [refused] = await hand_over(world, Ref(id=one.id))
    assert (refused.code, refused.season) == ("SEASON_CLOSED", 2026)


async def test_it_does_not_depart_before_it_is_handed_over(world: World) -> None:
    one = await loaded(world)
    await world.moved(one.id, S.VERIFIED)
    async with world.unchanged():
        [refused] = await world.move(Move(caller=HUBDAT, ref=Ref(id=one.id), to=S.DEPARTED, healthy=True))
    assert (refused.code, refused.field) == ("MOTORCYCLE_NOT_HANDED_OVER", "ref")
    await hand_over(world, Ref(id=one.id))
    departed = await world.moved(one.id, S.DEPARTED)
    assert (departed.status, departed.handed_over_at) == ("DEPARTED", NOW)
    async with world.unchanged():
        [refused] = await hand_over(world, Ref(id=one.id))
    assert (refused.code, refused.message("en")) == ("INVALID_VALUE", "This registration has ended.")
