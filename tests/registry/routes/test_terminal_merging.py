"""Merging a provisional terminal into the one that it means: in every route, or nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import Refusal
from app.registry.caller import Caller
from app.registry.routes import merging, terminal_merging, terminals
from app.registry.routes.terminals import Terminal, TerminalInput
from tests.registry.rows.records import TO_WONOGIRI, pushed, record, told
from tests.world import DJKA, HUBDAT, NOW, World

pytestmark = pytest.mark.anyio

TO_JEBRES = {"rute_perjalanan": "Jakarta - Solo Jebres", "tujuan_terminal": "Solo Jebress", "kota_tujuan": "Solo"}


async def merged(world: World, code: str, into: str, caller: Caller = HUBDAT, *, admin: bool = False) -> Any:
    return await world.database.attempt(
        lambda session: terminal_merging.merge(session, caller, code, into, NOW, admin=admin)
    )


async def refused(
    world: World, code: str, into: str, caller: Caller = HUBDAT, *, admin: bool = False
) -> tuple[str, str | None]:
    async with world.unchanged("route", "terminal", "change"):
        refusal = await merged(world, code, into, caller, admin=admin)
    assert isinstance(refusal, Refusal)
    return refusal.code, refusal.field


async def made(world: World, number: int = 1, caller: Caller = HUBDAT, /, **changes: Any) -> str:
    """The destination of a route that nobody declared."""
    [verdict] = await pushed(world, record(number, **TO_JEBRES | changes), caller=caller)
    assert told([verdict]) == [("NEW", None)]
    code: str = await world.one(
        "SELECT destination_code FROM route JOIN registrant r ON r.route_id = route.id WHERE r.id = :id",
        id=verdict.registrant_id,
    )
    return code


async def test_its_routes_use_the_other_one(world: World) -> None:
    code = await made(world)
    route_id = await world.one("SELECT id FROM route")
    terminal = await merged(world, code, "solo-balapan")
    assert isinstance(terminal, Terminal)
    assert (terminal.code, terminal.provisional) == ("solo-balapan", False)
    assert await world.run("SELECT origin_code, destination_code FROM route") == [("pulo-gebang", "solo-balapan")]
    facts = {"code": code, "into": "solo-balapan", "routes": [str(route_id)]}
    assert (await world.changes("kind, organizer_code, client_id, facts"))[-1] == (
        "TERMINAL_MERGED",
        "hubdat",
        "hubdat-test",
        facts,
    )


async def test_it_is_gone_and_its_spellings_stay(world: World) -> None:
    code = await made(world)
    await merged(world, code, "solo-balapan")
    async with world.database.transaction() as session:
        assert await terminals.by_codes(session, [code]) == [None]
        assert code not in {one.code for one in await terminals.all_of(session)}
        assert [one.code for one in await terminals.all_of(session, provisional=True)] == []
        [verdict] = await terminals.save(
            session, HUBDAT, [TerminalInput(code=code, name="X", city="Solo")], NOW, admin=True
        )
    assert isinstance(verdict, Refusal)
    assert (verdict.code, verdict.field) == ("INVALID_VALUE", "code")
    # The same route finds itself, and a new one goes where the spelling leads.
    assert await made(world, 2) == "solo-balapan"
    assert await made(world, 3, rute_perjalanan="Solo Ekspres") == "solo-balapan"
    assert await world.run("SELECT taken FROM route ORDER BY taken") == [(1,), (2,)]


async def test_provisional_ones_meet_and_then_go_on_together(world: World) -> None:
    one = await made(world, 1)
    other = await made(world, 2, tujuan_terminal="Jebres Solo", rute_perjalanan="Lain")
    await merged(world, one, other)
    await merged(world, other, "tirtonadi")
    assert await world.run("SELECT merged_into FROM terminal WHERE provisional") == [("tirtonadi",), ("tirtonadi",)]
    assert await made(world, 3, rute_perjalanan="Solo Ekspres") == "tirtonadi"


async def test_what_is_refused(world: World) -> None:
    code = await made(world)
    assert await refused(world, "nowhere", "tirtonadi") == ("NOT_FOUND", "provisional")
    assert await refused(world, code, "nowhere") == ("NOT_FOUND", "into")
    assert await refused(world, "tirtonadi", code, admin=True) == ("INVALID_VALUE", "provisional")
    assert await refused(world, "tirtonadi", code) == ("NOT_YOURS", "provisional")
    assert await refused(world, code, code) == ("INVALID_VALUE", "into")
    # Its route begins there.
    assert await refused(world, code, "pulo-gebang") == ("INVALID_VALUE", "into")
    assert await refused(world, code, "tirtonadi", DJKA) == ("NOT_YOURS", "provisional")
    await merged(world, code, "tirtonadi")
    assert await refused(world, code, "tirtonadi") == ("NOT_FOUND", "provisional")


async def test_a_terminal_that_others_use_is_hubdats_to_merge(world: World) -> None:
    code = await made(world)
    await world.route("KA", organizer="djka", destination=code)
    assert await refused(world, code, "tirtonadi") == ("NOT_YOURS", "provisional")
    assert isinstance(await merged(world, code, "tirtonadi", admin=True), Terminal)
    assert await world.run("SELECT destination_code FROM route") == [("tirtonadi",), ("tirtonadi",)]


async def test_two_routes_do_not_become_one(world: World) -> None:
    """By their names, or two provisional ones by their spellings: those are merged first."""
    code = await made(world)
    twin = await world.route("Jakarta - Solo Jebres", departs_at=None)
    assert await refused(world, code, "tirtonadi") == ("INVALID_VALUE", "into")
    async with world.database.transaction() as session:
        one = await world.one("SELECT id FROM route WHERE provisional")
        await merging.merge(session, HUBDAT, one, twin, NOW, admin=False)
    assert isinstance(await merged(world, code, "tirtonadi"), Terminal)

    here = await made(world, 2, **TO_WONOGIRI)
    there = await made(
        world,
        3,
        **TO_WONOGIRI
        | {"tujuan_terminal": "Wonogiri Kota", "kota_tujuan": "Wonogiri Kota", "rute_perjalanan": "JAKARTA–WONOGIRI"},
    )
    assert await refused(world, here, there) == ("INVALID_VALUE", "into")
