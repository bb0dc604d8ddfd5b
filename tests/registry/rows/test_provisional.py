"""Unknown routes and terminals: made from the record, once for all spellings, and not for who is refused."""

from __future__ import annotations

import pytest

from app.registry.routes import saving, terminals
from app.registry.routes.route import Route
from app.registry.routes.saving import RouteInput
from app.registry.routes.terminals import Terminal, TerminalInput
from app.registry.rows.reception import Result
from tests.registry.rows.records import TO_WONOGIRI, pushed, record, told
from tests.world import DJKA, HUBDAT, JASA_RAHARJA, NOW, World

pytestmark = pytest.mark.anyio

ROUTE = "SELECT name, direction, service, mode, origin_code, departs_at, quota, taken, provisional FROM route"


async def test_an_unknown_route_is_made_from_the_record(world: World) -> None:
    when = {"waktu_keberangkatan": "2026-03-16 09:00", "moda": "kereta"}
    [verdict] = await pushed(world, record(**TO_WONOGIRI | when))
    assert verdict.result is Result.NEW
    [route] = await world.run(ROUTE)
    assert tuple(route) == (
        "Jakarta - Wonogiri",
        "MUDIK",
        "PASSENGER",
        "TRAIN",
        "pulo-gebang",
        NOW.replace(day=16),
        None,
        1,
        True,
    )
    [terminal] = await world.run(
        "SELECT code, name, city, city_key, kind, organizer_code FROM terminal WHERE provisional"
    )
    assert terminal.code.startswith("giriadipura-")
    assert tuple(terminal)[1:] == ("Giri Adipura", "Kab. Wonogiri", "kabupaten wonogiri", "TERMINAL", "hubdat")
    assert await world.changes("kind, organizer_code, facts") == [
        ("REGISTRANT_MOVED", "hubdat", None),
        (
            "TERMINAL_SAVED",
            "hubdat",
            {
                "code": terminal.code,
                "name": "Giri Adipura",
                "city": "Kab. Wonogiri",
                "kind": "TERMINAL",
                "provisional": True,
            },
        ),
        (
            "ROUTE_SAVED",
            "hubdat",
            {
                "name": "Jakarta - Wonogiri",
                "mode": "TRAIN",
                "origin": "pulo-gebang",
                "destination": terminal.code,
                "departs_at": "2026-03-16T02:00:00+00:00",
                "provisional": True,
            },
        ),
    ]


async def test_all_spellings_meet_in_one(world: World) -> None:
    names = ["Jakarta - Wonogiri", "JAKARTA–WONOGIRI", "jakarta ke wonogiri", " Jakarta  —  Wonogiri"]
    ends = ["Giri Adipura", "GIRIADIPURA", "Terminal Giri-Adipura", "Term. Giri Adipura Tipe A"]
    spelt = [
        TO_WONOGIRI | {"rute_perjalanan": name, "tujuan_terminal": end, "kota_tujuan": city}
        for name, end, city in zip(
            names, ends, ["Kab. Wonogiri", "Wonogiri", "WONOGIRI, KAB", "kabupaten wonogiri"], strict=True
        )
    ]
    # In one batch, and one after the other.
    verdicts = await pushed(world, *(record(number, **one) for number, one in enumerate(spelt, start=1)))
    for number, one in enumerate(spelt, start=11):
        verdicts += await pushed(world, record(number, **one))
    assert told(verdicts) == [("NEW", None)] * 8
    assert await world.run("SELECT name, taken FROM route") == [("Jakarta - Wonogiri", 8)]
    assert await world.one("SELECT count(*) FROM terminal WHERE provisional") == 1


async def test_a_motorcycles_route_is_a_truck_unless_told(world: World) -> None:
    papers = {"nomor_polisi": "B 1", "nomor_stnk": "1"}
    await pushed(
        world, record(1, **TO_WONOGIRI, **papers), record(2, **TO_WONOGIRI), record(3, **TO_WONOGIRI, moda="KAPAL")
    )
    assert await world.run("SELECT service, mode, taken FROM route ORDER BY service") == [
        ("MOTORCYCLE", "TRUCK", 1),
        ("PASSENGER", "BUS", 2),
    ]


async def test_organizers_do_not_share_what_their_rows_made(world: World) -> None:
    for number, caller in enumerate((HUBDAT, DJKA, JASA_RAHARJA), start=1):
        assert told(await pushed(world, record(number, **TO_WONOGIRI), caller=caller)) == [("NEW", None)]
    assert await world.one("SELECT count(DISTINCT destination_code) FROM route") == 3


async def test_kinds_of_places_are_told_apart(world: World) -> None:
    for number, end in enumerate(["Stasiun Tegal", "Terminal Tegal", "Pelabuhan Tegal", "Tegal"], start=1):
        await pushed(
            world, record(number, rute_perjalanan="Jakarta - Tegal", tujuan_terminal=end, kota_tujuan="Kota Tegal")
        )
    assert await world.run("SELECT kind, name FROM terminal WHERE provisional ORDER BY kind") == [
        ("PORT", "Pelabuhan Tegal"),
        ("STATION", "Stasiun Tegal"),
        ("TERMINAL", "Terminal Tegal"),
    ]
    # The one that does not tell its kind is the terminal.
    assert await world.run("SELECT taken FROM route ORDER BY taken") == [(1,), (1,), (2,)]


@pytest.mark.parametrize("name", ["Κωνσταντίνος", "成都"])
async def test_a_name_in_another_script_has_a_code(world: World, name: str) -> None:
    assert told(await pushed(world, record(tujuan_terminal=name, kota_tujuan="Luar Negeri"))) == [("NEW", None)]
    assert await world.one("SELECT code FROM terminal WHERE provisional AND code LIKE 'tempat-%'")


async def test_a_refused_record_leaves_nothing_behind(world: World) -> None:
    await world.route()
    await pushed(world, record())
    async with world.unchanged("registrant", "route", "terminal"):
        [refused] = await pushed(world, record(**TO_WONOGIRI), caller=DJKA)
    assert refused.code == "NIK_ALREADY_REGISTERED"
    # Beside one that is accepted on the same terminal.
    other = TO_WONOGIRI | {"rute_perjalanan": "Jakarta - Wonogiri 2"}
    verdicts = await pushed(world, record(**TO_WONOGIRI), record(2, **other), caller=DJKA)
    assert [one.result for one in verdicts] == ["REFUSED", "NEW"]
    assert await world.run("SELECT name FROM route WHERE provisional") == [("Jakarta - Wonogiri 2",)]
    assert await world.changes("kind") == [
        ("REGISTRANT_MOVED",),
        ("DUPLICATE_REFUSED",),
        ("REGISTRANT_MOVED",),
        ("DUPLICATE_REFUSED",),
        ("TERMINAL_SAVED",),
        ("ROUTE_SAVED",),
    ]


@pytest.mark.parametrize(
    "column", ["rute_perjalanan", "keberangkatan_terminal", "tujuan_terminal", "kota_keberangkatan", "kota_tujuan"]
)
async def test_a_nik_does_not_become_a_name_of_a_place(world: World, column: str) -> None:
    async with world.unchanged("route", "terminal", "registrant"):
        [refused] = await pushed(world, record(**{column: f"Solo {record()['data_nik']}"}))
    assert (refused.column, refused.code) == (column, "INVALID_VALUE")


async def test_a_declared_one_comes_first(world: World) -> None:
    """The provisional one keeps whom it has, and it is not another route."""
    await pushed(world, record())
    declared = await world.route()
    await pushed(world, record(2))
    assert await world.one("SELECT taken FROM route WHERE id = :id", id=declared) == 1
    [known] = await pushed(world, record())
    assert (known.result, known.warnings) == (Result.UNCHANGED, ())


async def test_saving_it_declares_it(world: World) -> None:
    await pushed(world, record(**TO_WONOGIRI))
    [row] = await world.run("SELECT id, destination_code FROM route")
    same = RouteInput(
        name="Jakarta - Wonogiri",
        direction="MUDIK",
        service="PASSENGER",
        mode="BUS",
        origin="pulo-gebang",
        destination=row.destination_code,
        quota=40,
    )
    place = TerminalInput(code=row.destination_code, name="Giri Adipura", city="Kab. Wonogiri")
    async with world.database.transaction() as session:
        [route] = await saving.save(session, HUBDAT, [same], NOW)
        [terminal] = await terminals.save(session, HUBDAT, [place], NOW, admin=False)
    assert isinstance(route, Route)
    assert (route.id, route.provisional, route.quota, route.taken) == (row.id, False, 40, 1)
    assert isinstance(terminal, Terminal)
    assert await world.run("SELECT provisional FROM terminal WHERE code = :code", code=terminal.code) == [(False,)]
    # Later records find the declared ones, by whatever spelling.
    await pushed(world, record(2, **TO_WONOGIRI | {"rute_perjalanan": "JAKARTA–WONOGIRI"}))
    assert await world.run("SELECT taken, provisional FROM route") == [(2, False)]


async def test_a_terminal_that_was_renamed_is_still_found(world: World) -> None:
    await pushed(world, record(**TO_WONOGIRI))
    code = await world.one("SELECT destination_code FROM route")
    renamed = TerminalInput(code=code, name="Terminal Induk Wonogiri", city="Kab. Wonogiri")
    async with world.database.transaction() as session:
        await terminals.save(session, HUBDAT, [renamed], NOW, admin=False)
    await pushed(world, record(2, **TO_WONOGIRI | {"rute_perjalanan": "Wonogiri Ekspres"}))
    assert await world.run("SELECT destination_code FROM route") == [(code,), (code,)]
