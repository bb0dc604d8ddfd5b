"""Terminals: whoever declared one may change it; the same again is anybody's."""

import asyncio

import pytest

from app.errors import InvalidValue, NotYours, Raced
from app.registry.caller import Caller
from app.registry.routes import terminals
from app.registry.routes.terminals import Terminal, TerminalInput
from tests.patience import patience
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, NOW, World

pytestmark = pytest.mark.anyio

WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
PORIS = TerminalInput(code="poris-plawad", name="Terminal Poris Plawad", city="Kota Tangerang", region_code="3671")


async def saved(world: World, caller: Caller, *inputs: TerminalInput, admin: bool = False) -> list[object]:
    async with world.database.transaction() as session:
        return list(await terminals.save(session, caller, inputs, NOW, admin=admin))


async def test_a_terminal_is_found_under_any_name_of_its_city(world: World) -> None:
    await world.run("DELETE FROM terminal")
    balapan = TerminalInput(code="balapan", name="Stasiun Solo Balapan", city="Solo", kind="STATION")
    tirtonadi = TerminalInput(code="tirtonadi", name="Terminal Tirtonadi", city="SURAKARTA, KOTA")
    await saved(world, DJKA, tirtonadi, balapan, PORIS)
    async with world.database.transaction() as session:
        assert [one.code for one in await terminals.all_of(session, "Kota Surakarta")] == ["balapan", "tirtonadi"]
        assert [one.code for one in await terminals.all_of(session)] == ["balapan", "tirtonadi", "poris-plawad"]
        assert await terminals.by_codes(session, ["poris-plawad", "nowhere"]) == [
            Terminal(
                code="poris-plawad",
                name="Terminal Poris Plawad",
                city="Kota Tangerang",
                kind="TERMINAL",
                region_code="3671",
                organizer="djka",
            ),
            None,
        ]


async def test_verdicts_come_in_order_and_refusals_touch_no_other(world: World) -> None:
    bad = TerminalInput(code="Poris", name="Poris", city="Tangerang")
    other = TerminalInput(code="kalideres", name="Terminal Kalideres", city="Kota Jakarta Barat")
    first, refused, second = await saved(world, DKI, PORIS, bad, other)
    assert isinstance(first, Terminal)
    assert isinstance(second, Terminal)
    assert isinstance(refused, InvalidValue)
    assert (first.code, second.code) == ("poris-plawad", "kalideres")
    assert await world.run("SELECT kind, organizer_code, client_id, facts ->> 'code' FROM change ORDER BY id") == [
        ("TERMINAL_SAVED", "dishub-dki", "dishub-dki-test", "poris-plawad"),
        ("TERMINAL_SAVED", "dishub-dki", "dishub-dki-test", "kalideres"),
    ]


async def test_the_same_again_is_anybodys_and_changes_nothing(world: World) -> None:
    mine = await saved(world, DKI, PORIS)
    assert await saved(world, DJKA, PORIS) == mine
    assert await world.count("change") == 1


async def test_a_change_is_its_declarers_its_coordinators_or_an_admins(world: World) -> None:
    await saved(world, BUMN, PORIS)
    renamed = TerminalInput(code="poris-plawad", name="Poris", city="Kota Tangerang")
    (refused,) = await saved(world, DJKA, renamed)
    assert isinstance(refused, NotYours)
    assert refused.field == "code"
    assert await world.one("SELECT name FROM terminal WHERE code = 'poris-plawad'") == "Terminal Poris Plawad"
    (changed,) = await saved(world, JASA_RAHARJA, renamed)
    assert changed == Terminal(
        code="poris-plawad",
        name="Poris",
        city="Kota Tangerang",
        kind="TERMINAL",
        region_code=None,
        organizer="bumn-satu",
    )
    (again,) = await saved(world, HUBDAT, PORIS, admin=True)
    assert again == Terminal(
        code="poris-plawad",
        name=PORIS.name,
        city=PORIS.city,
        kind="TERMINAL",
        region_code="3671",
        organizer="bumn-satu",
    )


async def test_the_registrys_own_are_the_admins(world: World) -> None:
    renamed = TerminalInput(code="tirtonadi", name="Terminal Tirtonadi", city="Kota Surakarta")
    (refused,) = await saved(world, HUBDAT, renamed)
    assert isinstance(refused, NotYours)
    (changed,) = await saved(world, HUBDAT, renamed, admin=True)
    assert changed == Terminal(
        code="tirtonadi",
        name="Terminal Tirtonadi",
        city="Kota Surakarta",
        kind="TERMINAL",
        region_code=None,
        organizer=None,
    )


async def test_among_equal_codes_the_later_stands(world: World) -> None:
    later = TerminalInput(code="poris-plawad", name="Poris", city="Kota Tangerang")
    first, second = await saved(world, DKI, PORIS, later)
    assert isinstance(first, Terminal)
    assert isinstance(second, Terminal)
    assert (first.name, second.name) == ("Terminal Poris Plawad", "Poris")
    assert await world.one("SELECT name FROM terminal WHERE code = 'poris-plawad'") == "Poris"
    assert await world.count("change") == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (TerminalInput(code="poris--plawad", name="Poris", city="Tangerang"), "code"),
        (TerminalInput(code="p" * 61, name="Poris", city="Tangerang"), "code"),
        (TerminalInput(code="poris", name="", city="Tangerang"), "name"),
        (TerminalInput(code="poris", name="Poris", city="x" * 81), "city"),
        (TerminalInput(code="poris", name="Poris", city="Tangerang", kind="AIRPORT"), "kind"),
        (TerminalInput(code="poris", name="Poris", city="Tangerang", region_code="36"), "regionCode"),
    ],
)
async def test_impossible_terminals(world: World, given: TerminalInput, field: str) -> None:
    (refused,) = await saved(world, DKI, given)
    assert isinstance(refused, InvalidValue)
    assert refused.field == field
    assert await world.one("SELECT count(*) FROM terminal WHERE organizer_code IS NOT NULL") == 0
    assert await world.count("change") == 0


async def test_two_declare_one_code_at_once_and_the_first_keeps_it(world: World) -> None:
    theirs = TerminalInput(code="poris-plawad", name="Poris", city="Kota Tangerang")
    async with world.database.transaction() as session:
        await terminals.save(session, DKI, [PORIS], NOW, admin=False)
        other = asyncio.create_task(saved(world, DJKA, theirs))
        async with patience():
            while not await world.one(WAITING):  # noqa: ASYNC110 - the database tells nobody when someone waits
                await asyncio.sleep(0.01)
    with pytest.raises(Raced):
        await other
    (refused,) = await saved(world, DJKA, theirs)
    assert isinstance(refused, NotYours)
    assert await world.run("SELECT name, organizer_code FROM terminal WHERE code = 'poris-plawad'") == [
        ("Terminal Poris Plawad", "dishub-dki")
    ]
