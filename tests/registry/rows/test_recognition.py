"""Which route a row means: any spelling, terminals before cities, the departure that is named or the next one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.registry.rows.reception import Result
from tests.registry.rows.records import WAY_BACK, pushed, record
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio


async def landed(world: World, number: int = 1, /, **changes: Any) -> UUID:
    """The route that somebody new is registered on."""
    caller = changes.pop("caller", HUBDAT)
    [verdict] = await pushed(world, record(number, **changes), caller=caller)
    assert verdict.result is Result.NEW, verdict.message()
    route_id: UUID = await world.one("SELECT route_id FROM registrant WHERE id = :id", id=verdict.registrant_id)
    return route_id


@pytest.mark.parametrize(
    "spelt",
    [
        {"rute_perjalanan": "JAKARTA–SOLO"},
        {"rute_perjalanan": " jakarta ke  surakarta "},
        {"keberangkatan_terminal": "TERMINAL PULOGEBANG", "tujuan_terminal": "Term. Tirtonadi Tipe A"},
        {"kota_keberangkatan": "JAKTIM", "kota_tujuan": "Solo"},
        # The terminals tell enough.
        {"kota_keberangkatan": "Jakarta", "kota_tujuan": "Jawa Tengah"},
        # And so do the cities.
        {"keberangkatan_terminal": "Depan Walikota", "tujuan_terminal": "Solo Balapan"},
        {"keberangkatan_terminal": "Depan Walikota", "kota_tujuan": "Jawa Tengah"},
        {"tipe_keberangkatan": "  ARUS   mudik "},
    ],
)
async def test_spellings_of_a_declared_route(world: World, spelt: dict[str, str]) -> None:
    declared = await world.route()
    assert await landed(world, **spelt) == declared
    assert await world.count("route") == 1
    assert await world.count("terminal") == 4


@pytest.mark.parametrize(
    "other",
    [
        {"rute_perjalanan": "Jakarta - Solo 2"},
        WAY_BACK | {"rute_perjalanan": "Jakarta - Solo"},
        {"tujuan_terminal": "Giwangan", "kota_tujuan": "Kota Yogyakarta"},
        {"nomor_polisi": "B 1", "nomor_stnk": "1"},
        {"keberangkatan_terminal": "Stasiun Pulo Gebang", "kota_keberangkatan": "Kota Bekasi"},
    ],
    ids=["name", "direction", "destination", "service", "kind"],
)
async def test_another_route(world: World, other: dict[str, str]) -> None:
    await world.policy("hubdat", return_requires_outbound=False)
    declared = await world.route()
    made = await landed(world, **other)
    assert made != declared
    assert await world.run("SELECT id FROM route WHERE provisional") == [(made,)]


async def test_terminals_come_before_cities(world: World) -> None:
    await world.run("UPDATE terminal SET city_key = 'kota jakartatimur' WHERE code = 'giwangan'")
    from_gebang = await world.route()
    from_giwangan = await world.route("JAKARTA SOLO", origin="giwangan")
    assert await landed(world, 1) == from_gebang
    assert await landed(world, 2, keberangkatan_terminal="Giwangan") == from_giwangan
    # Of two that the cities fit, neither is meant.
    made = await landed(world, 3, keberangkatan_terminal="Depan Walikota")
    assert made not in {from_gebang, from_giwangan}


async def test_the_departure_that_is_named(world: World) -> None:
    first = await world.route(departs_at=LEAVES)
    second = await world.route(departs_at=LEAVES + timedelta(days=1))
    undated = await world.route(departs_at=None)
    twice = [await world.route(departs_at=LEAVES + timedelta(days=2, hours=hour)) for hour in (0, 3)]

    for number, (when, route_id) in enumerate(
        [
            ("2026-03-16T02:00:00Z", first),
            ("16 Mar 2026 09:00 WIB", first),
            ("17/03/2026", second),
            ("17 Maret 2026 pukul 10.30", second),
            ("2026-03-18 12:00", twice[1]),
            # Two on that day, and none at that time.
            ("2026-03-18 10:00", undated),
            ("2026-03-25", undated),
        ],
        start=1,
    ):
        assert await landed(world, number, waktu_keberangkatan=when) == route_id


async def test_without_a_time_the_next_departure(world: World) -> None:
    left = await world.route(departs_at=NOW - timedelta(days=1))
    first = await world.registered(someone(HUBDAT, left), now=NOW - timedelta(days=2))
    undated = await world.route(departs_at=None)
    [known, new] = await pushed(world, record(1, tanggal_pendaftaran="2026-02-28"), record(2))
    # Else the last one, on which nobody can be registered any more.
    assert (known.registrant_id, known.warnings) == (first.id, ())
    assert (new.code, new.column) == ("ROUTE_DEPARTED", "rute_perjalanan")
    await world.route(departs_at=LEAVES + timedelta(days=1))
    soon = await world.route(departs_at=LEAVES)
    assert await landed(world, 3) == soon
    await world.run("DELETE FROM registrant")
    await world.run("DELETE FROM route WHERE departs_at IS NOT NULL")
    assert await landed(world, 4) == undated


async def test_another_departure_of_the_same_route_is_no_other_route(world: World) -> None:
    await world.route(departs_at=LEAVES)
    later = await world.route(departs_at=LEAVES + timedelta(days=1))
    assert await landed(world, waktu_keberangkatan="2026-03-17") == later
    [same] = await pushed(world, record())
    [other] = await pushed(world, record(waktu_keberangkatan="2026-03-16"))
    assert [warning.code for warning in same.warnings] == []
    assert [warning.code for warning in other.warnings] == ["ROUTE_DIFFERS"]


async def test_a_member_travels_on_its_own_routes_before_its_coordinators(world: World) -> None:
    coordinators = await world.route(organizer="jasa-raharja")
    assert await landed(world, 1, caller=JASA_RAHARJA, source="bumn-satu") == coordinators
    own = await world.route(organizer="bumn-satu")
    assert await landed(world, 2, caller=JASA_RAHARJA, source="bumn-satu") == own
    assert await landed(world, 3, caller=JASA_RAHARJA) == coordinators
    assert await landed(world, 4, caller=BUMN) == own


async def test_others_routes_are_not_meant(world: World) -> None:
    theirs = await world.route()
    assert await landed(world, caller=DJKA) != theirs


async def test_last_seasons_routes_are_not_meant(world: World) -> None:
    await world.season(2025, NOW.date())
    before = await world.route(season=2025)
    assert await landed(world) != before
