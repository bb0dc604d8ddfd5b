"""Finding registrants: one's own in full; others' masked for the dashboard, and by NIK or booking code never."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.errors import InvalidValue, NotFound
from app.models.enums import RegistrantStatus
from app.registry.caller import Caller
from app.registry.registrants import lookup
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Motorcycle
from app.registry.registrants.view import View
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
HONDA = Motorcycle("B 1", "1")


async def found(
    world: World, *refs: Ref, caller: Caller = HUBDAT, everyone: bool = False
) -> list[View | NotFound | Any]:
    async with world.database.transaction() as session:
        return list(await lookup.find(session, world.vault, caller, refs, everyone=everyone, now=NOW))


async def ids(world: World, *refs: Ref, caller: Caller = HUBDAT, everyone: bool = False) -> list[UUID | str]:
    verdicts = await found(world, *refs, caller=caller, everyone=everyone)
    return [one.id if isinstance(one, View) else one.code for one in verdicts]


async def test_three_ways_to_name_ones_own(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route(), reference="BK-1"))
    refs = (Ref(id=one.id), Ref(reference="BK-1"), Ref(nik=f" {nik_of(1)} "))
    assert await found(world, *refs) == [one, one, one]


async def test_an_answer_in_the_order_asked_with_what_is_not_there(world: World) -> None:
    route = await world.route()
    first = await world.registered(someone(HUBDAT, route, 1))
    second = await world.registered(someone(HUBDAT, route, 2))
    refs = (Ref(id=second.id), Ref(id=uuid4()), Ref(nik="12"), Ref(id=first.id), Ref(reference="BK"), Ref(id=second.id))
    verdicts = await found(world, *refs)
    assert await ids(world, *refs) == [second.id, "NOT_FOUND", "NIK_INVALID", first.id, "NOT_FOUND", second.id]
    assert [getattr(one, "field", None) for one in verdicts] == [None, "ref", "nik", None, "ref", None]
    assert await found(world) == []


async def test_another_organizers_is_not_found_by_any_name(world: World) -> None:
    theirs = await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), reference="BK-1"))
    refs = (Ref(id=theirs.id), Ref(reference="BK-1"), Ref(nik=nik_of(1)))
    assert await ids(world, *refs) == ["NOT_FOUND"] * 3
    assert await ids(world, *refs, everyone=True) == [theirs.id, "NOT_FOUND", "NOT_FOUND"]


async def test_the_dashboard_sees_others_masked(world: World) -> None:
    deck = await world.route("Motis KA", organizer="djka", service="MOTORCYCLE")
    theirs = await world.registered(someone(DJKA, deck, motorcycle=HONDA, reference="BK-1"))
    [seen] = await found(world, Ref(id=theirs.id), everyone=True)
    assert isinstance(seen, View)
    assert (seen.nik, seen.name, seen.own) == (f"************{nik_of(1)[12:]}", "***", False)
    assert (seen.reference, seen.plate, seen.registration_number) == (None, None, None)
    assert (seen.id, seen.organizer, seen.status) == (theirs.id, "djka", "REGISTERED")
    told = repr(seen)
    assert nik_of(1)[:12] not in told
    assert "Warga" not in told


async def test_a_coordinator_sees_its_members_in_full(world: World) -> None:
    one = await world.registered(someone(BUMN, await world.route("Bus", organizer="bumn-satu"), reference="BK-1"))
    refs = (Ref(id=one.id), Ref(reference="BK-1"), Ref(nik=nik_of(1)))
    assert await found(world, *refs, caller=JASA_RAHARJA) == [one, one, one]
    assert await ids(world, Ref(id=one.id), caller=BUMN) == [one.id]


async def test_a_nik_names_direction_and_service(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    deck = await world.route("Motis", service="MOTORCYCLE")
    pair = await world.accepted(someone(HUBDAT, mudik, return_route_id=balik))
    loaded = await world.registered(someone(HUBDAT, deck, motorcycle=HONDA))
    assert pair.return_view is not None
    assert await ids(
        world,
        Ref(nik=nik_of(1)),
        Ref(nik=nik_of(1), direction="BALIK"),
        Ref(nik=nik_of(1), service="MOTORCYCLE"),
        Ref(nik=nik_of(1), direction="BALIK", service="MOTORCYCLE"),
    ) == [pair.view.id, pair.return_view.id, loaded.id, "NOT_FOUND"]


async def test_what_holds_comes_before_what_has_ended_and_then_the_newest(world: World) -> None:
    route = await world.route()
    one = someone(HUBDAT, route, reference="BK-1")
    refs = (Ref(nik=nik_of(1)), Ref(reference="BK-1"))
    first = await world.registered(one)
    await world.moved(first.id, S.CANCELLED)
    assert await ids(world, *refs) == [first.id] * 2
    second = await world.registered(one)
    assert await ids(world, *refs) == [second.id] * 2
    await world.moved(second.id, S.CANCELLED)
    assert await ids(world, *refs) == [second.id] * 2


async def test_a_code_of_both_ways_means_the_way_home(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    pair = await world.accepted(someone(HUBDAT, mudik, return_route_id=balik, reference="BK-1"))
    assert await ids(world, Ref(reference="BK-1")) == [pair.view.id]


async def test_a_code_that_several_carry_is_ambiguous(world: World) -> None:
    route = await world.route()
    first = await world.registered(someone(HUBDAT, route, 1, reference="BK-1"))
    second = await world.registered(someone(HUBDAT, route, 2, reference="BK-1"))
    [refused] = await found(world, Ref(reference="BK-1"))
    assert isinstance(refused, InvalidValue)
    assert (refused.code, refused.field) == ("INVALID_VALUE", "reference")
    assert (
        refused.message("id")
        == "Kode booking ini dimiliki beberapa pendaftar; gunakan id, NIK, atau tindakan untuk seluruh booking."
    )
    assert (
        refused.message("en")
        == "Several registrants carry this booking code; use the id, the NIK, or the action for the whole booking."
    )
    await world.moved(second.id, S.CANCELLED)
    assert await ids(world, Ref(reference="BK-1")) == [first.id]


async def test_last_years_registration_is_no_rival_of_this_years(world: World) -> None:
    one = someone(HUBDAT, await world.route(), reference="BK-1")
    last_year = await world.verified(one)
    await world.moved(last_year.id, S.DEPARTED)
    await world.season(2027, date(2027, 4, 30))
    await world.run("UPDATE registration_window SET season = 2027")
    refs = (Ref(nik=nik_of(1)), Ref(reference="BK-1"))
    assert await ids(world, *refs) == [last_year.id] * 2
    this_year = await world.registered(someone(HUBDAT, await world.route("2027", season=2027), reference="BK-1"))
    assert await ids(world, *refs) == [this_year.id] * 2
    await world.moved(this_year.id, S.CANCELLED)
    assert await ids(world, *refs) == [this_year.id] * 2
    assert await ids(world, Ref(id=last_year.id)) == [last_year.id]


async def test_a_look_by_nik_is_written_down(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), reference="BK-1"))
    index = world.vault.blind_index(nik_of(1))
    await world.run("DELETE FROM nik_access")
    await found(world, Ref(reference="BK-1"), Ref(id=uuid4()))
    assert await world.count("nik_access") == 0
    await found(world, Ref(nik=nik_of(1)), Ref(nik="1"), Ref(nik=nik_of(1), direction="BALIK"))
    await found(world, Ref(nik=nik_of(1), service="MOTORCYCLE"), caller=DJKA)
    assert await world.run(
        """SELECT at, client_id, organizer_code, nik_index, purpose, direction, service, outcome
           FROM nik_access ORDER BY id"""
    ) == [
        (NOW, "hubdat-test", "hubdat", index, "LOOKUP", "MUDIK", "PASSENGER", None),
        (NOW, "hubdat-test", "hubdat", index, "LOOKUP", "BALIK", "PASSENGER", None),
        (NOW, "djka-test", "djka", index, "LOOKUP", "MUDIK", "MOTORCYCLE", None),
    ]


async def test_the_returns_of_outbounds(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    pair = await world.accepted(someone(HUBDAT, mudik, 1, return_route_id=balik))
    alone = await world.registered(someone(HUBDAT, mudik, 2))
    assert pair.return_view is not None
    asked = [alone.id, pair.view.id]

    async def returns(caller: Caller = HUBDAT, *, everyone: bool = False) -> list[View | None]:
        async with world.database.transaction() as session:
            return await lookup.returns_of(session, world.vault, caller, asked, everyone=everyone)

    assert await returns() == [None, pair.return_view]
    assert await returns(DJKA) == [None, None]
    [_, masked] = await returns(DJKA, everyone=True)
    assert masked is not None
    assert (masked.id, masked.own, masked.name) == (pair.return_view.id, False, "***")
    await world.moved(pair.return_view.id, S.CANCELLED)
    again = await world.accepted(someone(HUBDAT, mudik, 1, return_route_id=balik))
    assert await returns() == [None, again.return_view]
