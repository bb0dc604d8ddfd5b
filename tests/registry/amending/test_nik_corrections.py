"""A NIK that was typed wrong: corrected on the whole trip, judged again, and its block goes along or is lifted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.caller import Caller
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.view import View
from tests.world import DJKA, HUBDAT, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
LATER = NOW + timedelta(hours=1)
REASON = "Salah ketik petugas"
PAPERS = Motorcycle("B 1", "1")
WRONG, RIGHT = 1, 2


async def correct(world: World, one: UUID, caller: Caller = HUBDAT, now: Any = LATER, **changes: Any) -> Any:
    values = {"nik": nik_of(RIGHT)} | changes
    return await world.database.attempt(
        lambda session: corrections.correct(
            session, world.vault, caller, Ref(id=one), Correction(reason=REASON, **values), now
        )
    )


async def niks(world: World) -> set[bytes]:
    return {row.nik_index for row in await world.run("SELECT nik_index FROM registrant")}


def index(world: World, number: int) -> bytes:
    return world.vault.blind_index(nik_of(number))


async def blocks(world: World) -> list[tuple[Any, ...]]:
    rows = await world.run(
        "SELECT nik_index, reason, since, until_season, organizer_code, registrant_id, lifted_at, lift_reason"
        " FROM nik_block ORDER BY lifted_at NULLS LAST, id"
    )
    return [tuple(row) for row in rows]


# --- the whole trip ---------------------------------------------------------------------------------------------------


async def whole_trip(world: World, number: int = WRONG, **changes: Any) -> tuple[View, View, View]:
    pair = await world.accepted(
        someone(HUBDAT, await world.route(), number, return_route_id=await world.way_back(), **changes)
    )
    assert pair.return_view is not None
    truck = await world.route("Truk", service="MOTORCYCLE")
    motorcycle = await world.registered(someone(HUBDAT, truck, number, motorcycle=PAPERS, **changes))
    return pair.view, pair.return_view, motorcycle


@pytest.mark.parametrize("leg", [0, 1, 2])
async def test_it_goes_to_both_ways_and_the_motorcycle(world: World, leg: int) -> None:
    legs = await whole_trip(world)
    corrected = await correct(world, legs[leg].id, name="Warga Benar")
    assert (corrected.nik, corrected.name) == (nik_of(RIGHT), "Warga Benar")
    assert await niks(world) == {index(world, RIGHT)}
    for one in legs:
        seen = await world.find(one.id)
        assert seen is not None
        assert seen.name == "Warga Benar"
    told = await world.run("SELECT registrant_id, facts FROM change WHERE kind = 'REGISTRANT_CORRECTED'")
    assert {row.registrant_id for row in told} == {one.id for one in legs}
    assert {str(row.facts) for row in told} == {str({"fields": ["name", "nik"]})}


async def test_not_to_the_motorcycle_of_whom_that_nik_belongs_to(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG))
    truck = await world.route("Truk", service="MOTORCYCLE")
    theirs = await world.registered(someone(HUBDAT, truck, WRONG, name="Bambang Sutrisno", motorcycle=PAPERS))
    await correct(world, one.id)
    assert (await world.find(theirs.id)).nik == nik_of(WRONG)  # type: ignore[union-attr]
    assert (await world.find(one.id)).nik == nik_of(RIGHT)  # type: ignore[union-attr]


async def test_not_to_another_organizers(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG))
    deck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    theirs = await world.registered(someone(DJKA, deck, WRONG, motorcycle=PAPERS))
    await correct(world, one.id)
    assert (await world.find(theirs.id, DJKA)).nik == nik_of(WRONG)  # type: ignore[union-attr]


# --- judged again -----------------------------------------------------------------------------------------------------


async def test_a_motorcycle_of_the_right_nik_that_goes_elsewhere(world: World) -> None:
    truck = await world.route("Truk", service="MOTORCYCLE", destination="giwangan")
    await world.registered(someone(HUBDAT, truck, RIGHT, motorcycle=PAPERS))
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG))
    async with world.unchanged():
        refused = await correct(world, one.id)
    assert (refused.code, refused.field, refused.city) == ("DESTINATION_MISMATCH", "nik", "Kota Yogyakarta")


async def test_a_motorcycle_of_the_right_nik_that_goes_along(world: World) -> None:
    truck = await world.route("Truk", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, truck, RIGHT, motorcycle=PAPERS))
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG))
    assert (await correct(world, one.id)).nik == nik_of(RIGHT)


async def test_an_outbound_of_the_right_nik_to_another_city(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route("Yogya", destination="giwangan"), RIGHT))
    await world.policy("hubdat", return_requires_outbound=False)
    back = await world.registered(someone(HUBDAT, await world.way_back(), WRONG))
    await world.policy("hubdat", return_requires_outbound=True)
    async with world.unchanged():
        refused = await correct(world, back.id)
    assert (refused.code, refused.field, refused.city) == ("RETURN_CITY_MISMATCH", "nik", "Kota Yogyakarta")


@pytest.mark.parametrize(("name", "suspected"), [("Bambang Sutrisno", 1), ("Warga Contoh", 0)])
async def test_a_clearly_other_name_elsewhere_is_suspected(world: World, name: str, suspected: int) -> None:
    deck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    theirs = await world.registered(someone(DJKA, deck, RIGHT, name=name, motorcycle=PAPERS))
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG))
    assert (await correct(world, one.id)).nik == nik_of(RIGHT)
    rows = await world.run("SELECT holder_id, suspect FROM duplicate_case")
    assert rows == [(theirs.id, True)] * suspected
    assert len([kind for (kind,) in await world.changes("kind") if kind == "DUPLICATE_SUSPECTED"]) == suspected


async def test_so_is_a_name_that_is_corrected_into_another_one(world: World) -> None:
    deck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    await world.registered(someone(DJKA, deck, WRONG, motorcycle=PAPERS))
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG))
    await correct(world, one.id, nik=None, name="Bambang Sutrisno")
    assert await world.count("duplicate_case") == 1


# --- the block --------------------------------------------------------------------------------------------------------


async def forfeited(world: World) -> View:
    await world.policy("hubdat", verify_within_days=7, block_seasons=2)
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG))
    await world.sweep(NOW + timedelta(days=8))
    assert await world.status(one.id) == "FORFEITED"
    return one


async def test_the_block_goes_along_to_the_right_nik(world: World) -> None:
    one = await forfeited(world)
    since = NOW + timedelta(days=8)
    before = await world.count("change")
    corrected_at = since + timedelta(hours=1)
    assert (await correct(world, one.id, now=corrected_at)).nik == nik_of(RIGHT)
    reason = "Gugur: tidak diverifikasi sampai batas waktu."
    shared = (reason, since, 2027, "hubdat", one.id)
    lifted = "NIK-nya salah ketik dan sudah diperbaiki."
    assert await blocks(world) == [
        (index(world, WRONG), *shared, corrected_at, lifted),
        (index(world, RIGHT), *shared, None, None),
    ]
    assert (await world.changes("kind, registrant_id, reason, facts"))[before:] == [
        ("NIK_BLOCK_LIFTED", one.id, lifted, None),
        ("NIK_BLOCKED", one.id, reason, {"untilSeason": 2027}),
        ("REGISTRANT_CORRECTED", one.id, REASON, {"fields": ["nik"]}),
    ]
    # Whom the wrong NIK belongs to can register, whom the right one belongs to cannot.
    late = LEAVES - timedelta(days=1)
    [free, blocked] = await world.submit(
        someone(HUBDAT, world.routes["Jakarta - Solo"], WRONG),
        someone(HUBDAT, world.routes["Jakarta - Solo"], RIGHT),
        now=late,
    )
    assert isinstance(free.view, View)
    assert blocked.code == "NIK_BLOCKED"


@pytest.mark.parametrize("where", ["the same claim", "verified beside it", "at another organizer"])
async def test_it_is_lifted_where_none_would_have_come(world: World, where: str) -> None:
    one = await forfeited(world)
    late = NOW + timedelta(days=8)
    if where == "the same claim":
        await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], RIGHT), late)
    elif where == "verified beside it":
        truck = await world.route("Truk", service="MOTORCYCLE")
        await world.verified(someone(HUBDAT, truck, RIGHT, motorcycle=PAPERS), late)
    else:
        await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), RIGHT), late)
    assert (await correct(world, one.id, now=late)).nik == nik_of(RIGHT)
    [(nik, *_, lifted_at, _)] = await blocks(world)
    assert (nik, lifted_at) == (index(world, WRONG), late)


async def test_a_motorcycle_that_waits_does_not_lift_it(world: World) -> None:
    one = await forfeited(world)
    late = NOW + timedelta(days=8)
    truck = await world.route("Truk", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, truck, RIGHT, motorcycle=PAPERS), late)
    await correct(world, one.id, now=late)
    assert [row[0] for row in await blocks(world) if row[-2] is None] == [index(world, RIGHT)]


async def test_a_block_that_came_from_elsewhere_stays(world: World) -> None:
    """Hubdat blocked that NIK, or another organizer's registrant was forfeited."""
    one = await world.registered(someone(HUBDAT, await world.route(), WRONG))
    await world.run(
        """INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code)
           VALUES (gen_random_uuid(), :nik, 'Data palsu', 2026, 2026, :now, 'hubdat')""",
        nik=index(world, WRONG),
        now=NOW,
    )
    async with world.unchanged("nik_block"):
        await correct(world, one.id)


async def test_a_block_that_was_lifted_stays_lifted(world: World) -> None:
    one = await forfeited(world)
    await world.run("UPDATE nik_block SET lifted_at = :now, lift_reason = 'Keberatan diterima'", now=LATER)
    async with world.unchanged("nik_block"):
        await correct(world, one.id)
