"""A list in which a NIK was put right: whoever stands under the mistyped one is told of, and nothing else is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.registry.registrants.motorcycles import Motorcycle
from app.registry.routes.lap_infants import MOST_OF_A_BOOKING
from app.registry.rows.verdicts import Verdict
from tests.registry.rows.records import WAY_BACK, pushed, record, state, told
from tests.world import BUMN, DKI, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

WRONG, RIGHT = 1, 2


def booked(number: int, /, **changes: Any) -> dict[str, Any]:
    return record(number, **{"kode_booking": "BK-1"} | changes)


def warned(verdicts: list[Verdict]) -> list[list[str]]:
    return [[one.code for one in verdict.warnings] for verdict in verdicts]


async def test_the_row_with_the_right_nik_tells_of_the_wrong_one(world: World) -> None:
    await world.route()
    [first] = await pushed(world, booked(WRONG))
    [verdict] = await pushed(world, booked(RIGHT, data_pemesan="H. WARGA CONTOH"))
    assert (told([verdict]), warned([verdict])) == ([("NEW", None)], [["NIK_DIFFERS"]])
    assert str(first.registrant_id) in str(verdict.message())
    assert str(first.registrant_id) in str(verdict.message("en"))
    assert nik_of(WRONG) not in f"{verdict!r} {verdict.message()}"
    # The wrong one stays until somebody says which of the two is wrong.
    assert await world.run("SELECT status FROM registrant") == [("REGISTERED",)] * 2
    assert warned(await pushed(world, booked(RIGHT))) == [[]]


async def test_what_the_warning_asks_for_leaves_the_right_one(world: World) -> None:
    await world.route()
    await pushed(world, booked(WRONG))
    [right] = await pushed(world, booked(RIGHT))
    assert told(await pushed(world, booked(WRONG, status_pemesanan_code=5))) == [("UPDATED", None)]
    assert await world.run("SELECT id FROM registrant WHERE status = 'REGISTERED'") == [(right.registrant_id,)]
    assert await world.taken() == 1


async def test_each_way_of_a_trip_tells_of_its_own(world: World) -> None:
    await world.route()
    await world.way_back()
    there, back = await pushed(world, booked(WRONG), booked(WRONG, **WAY_BACK))
    verdicts = await pushed(world, booked(RIGHT), booked(RIGHT, **WAY_BACK))
    assert warned(verdicts) == [["NIK_DIFFERS"]] * 2
    for verdict, own, other in ((verdicts[0], there, back), (verdicts[1], back, there)):
        assert str(own.registrant_id) in str(verdict.message())
        assert str(other.registrant_id) not in str(verdict.message())


@pytest.mark.parametrize(
    "changes",
    [{"data_pemesan": "Warga Conto"}, {"kode_booking": "BK-2"}, {"kode_booking": ""}],
    ids=["another name", "another booking", "no booking"],
)
async def test_of_others_nothing_is_told(world: World, changes: dict[str, Any]) -> None:
    await world.route()
    await pushed(world, booked(WRONG))
    assert warned(await pushed(world, booked(RIGHT, **changes))) == [[]]


async def test_a_name_without_plain_letters_is_compared_as_it_is_written(world: World) -> None:
    await world.route()
    await pushed(world, booked(1, data_pemesan="張偉"), booked(2, data_pemesan="王芳"))
    assert warned(await pushed(world, booked(3, data_pemesan="李娜"))) == [[]]
    assert warned(await pushed(world, booked(4, data_pemesan="張偉"))) == [["NIK_DIFFERS"]]


async def test_whoever_the_same_list_names_is_somebody_else(world: World) -> None:
    """Father and son of one name, and lists that have the applicant's name in every row."""
    await world.route()
    assert warned(await pushed(world, booked(1), booked(2))) == [[], []]
    assert warned(await pushed(world, booked(1), booked(2), booked(3))) == [[], [], []]
    # Ended by the same list: nothing is left to be done.
    assert warned(await pushed(world, *(state(5, one, kode_booking="BK-1") for one in (1, 2, 3)), booked(4)))[3] == []


async def test_whoever_has_ended_is_not_told_of(world: World) -> None:
    await world.route()
    await pushed(world, booked(WRONG), state(5, WRONG, kode_booking="BK-1"))
    assert warned(await pushed(world, booked(RIGHT))) == [[]]


@pytest.mark.parametrize(
    ("status", "codes"), [("VERIFIED", ["NIK_DIFFERS"]), ("DEPARTED", []), ("NO_SHOW", []), ("FORFEITED", [])]
)
async def test_who_is_yet_to_depart_is_told_of(world: World, status: str, codes: list[str]) -> None:
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG, reference="BK-1"))
    aboard: dict[str, Any] = {"departed_at": NOW, "healthy": True} if status == "DEPARTED" else {}
    await world.put(one.id, status=status, verified_at=NOW, **aboard)
    assert warned(await pushed(world, booked(RIGHT))) == [codes]


async def test_a_motorcycle_is_not_told_of_where_a_passenger_is_new(world: World) -> None:
    await world.route()
    truck = await world.route("Truk", service="MOTORCYCLE")
    rider = someone(HUBDAT, truck, WRONG, reference="BK-1", motorcycle=Motorcycle("B 1", "1"))
    await world.registered(rider)
    assert warned(await pushed(world, booked(RIGHT))) == [[]]
    [verdict] = await world.submit(replace(rider, nik=nik_of(RIGHT)))
    assert [one.code for one in verdict.warnings] == ["NIK_DIFFERS"]


async def test_whoever_was_erased_is_not_told_of(world: World) -> None:
    """Nobody's NIK and name are left. The booking code of a row of an older version may be."""
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG, reference="BK-1"))
    await world.put(one.id, nik_index=None, nik_sealed=None, name_sealed=None, erased_at=NOW)
    assert warned(await pushed(world, booked(RIGHT))) == [[]]


async def test_nobody_is_told_of_another_organizer_s_person(world: World) -> None:
    await world.route()
    await world.route(organizer="dishub-dki")
    await pushed(world, booked(WRONG))
    assert warned(await pushed(world, booked(RIGHT), caller=DKI)) == [[]]


async def test_an_earlier_season_is_over(world: World) -> None:
    await world.season(2025, NOW.date())
    route = await world.route()
    first = await world.registered(someone(HUBDAT, route, WRONG, reference="BK-1"))
    await world.put(first.id, season=2025)
    assert warned(await pushed(world, booked(RIGHT))) == [[]]


async def test_a_member_s_person_is_told_of_to_its_coordinator(world: World) -> None:
    route = await world.route(organizer="bumn-satu")
    first = await world.registered(someone(BUMN, route, WRONG, reference="BK-1"))
    [verdict] = await pushed(world, booked(RIGHT, source="bumn-satu"), caller=JASA_RAHARJA)
    assert warned([verdict]) == [["NIK_DIFFERS"]]
    assert str(first.id) in str(verdict.message())


async def test_a_code_that_hundreds_share_is_no_booking(world: World) -> None:
    route = await world.route(quota=1_000)
    everybody = range(100, 100 + MOST_OF_A_BOOKING)
    await world.submit(*(someone(HUBDAT, route, one, reference="ONLINE", name=f"Warga {one}") for one in everybody))
    again = {"kode_booking": "ONLINE", "data_pemesan": "Warga 100"}
    assert warned(await pushed(world, record(1, **again))) == [["NIK_DIFFERS"]]
    assert warned(await pushed(world, record(2, **again))) == [[]]


async def test_the_first_three_are_named(world: World) -> None:
    route = await world.route()
    five = [await world.registered(someone(HUBDAT, route, one, reference="BK-1")) for one in range(1, 6)]
    [verdict] = await pushed(world, booked(6))
    assert [str(one.id) in str(verdict.message()) for one in five] == [True, True, True, False, False]


async def test_one_statement_more_and_only_for_whoever_is_new_under_a_booking_code(world: World) -> None:
    await world.route(quota=1_000)

    async def issued_by(*records: dict[str, Any]) -> int:
        with world.statements() as issued:
            await pushed(world, *records)
        return len(issued)

    without = await issued_by(record(10))
    assert await issued_by(booked(11)) == without + 1
    many = [booked(number, kode_booking=f"BK-{number % 40}") for number in range(100, 300)]
    assert await issued_by(*many) == without + 1
    assert await issued_by(booked(11)) == await issued_by(record(10))
