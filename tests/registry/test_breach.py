"""Whom a client read between two instants: the list that a notice of a breach needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry import breach, erasure
from app.registry.breach import LookOfClient
from app.registry.niks import reads
from app.registry.niks.check import Check
from app.registry.niks.reads import STRETCH, Read
from app.registry.registrants.lookup import Ref
from tests.world import DJKA, DKI, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


async def looks(
    world: World, since: Any = NOW, until: Any = NOW + 3 * HOUR, client: str = "djka-test"
) -> list[LookOfClient]:
    async with world.database.transaction() as session:
        return await breach.looks_of(session, world.vault, client, since, until)


async def read(world: World, people: dict[UUID, str], now: Any = NOW + HOUR, **how: Any) -> int:
    goes_on = how.pop("goes_on", False)
    async with world.database.transaction() as session:
        told = Read(caller=DJKA, what="registrants", people=people, **how)
        return await reads.record(session, told, now, goes_on=goes_on)


def masked(*numbers: int) -> tuple[str, ...]:
    return tuple(f"************{nik_of(number)[12:]}" for number in numbers)


async def people(world: World, *numbers: int) -> list[UUID]:
    route = await world.route(organizer="djka")
    return [(await world.registered(someone(DJKA, route, number))).id for number in numbers]


async def test_niks_that_were_checked(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    for hours in range(4):
        await world.check(Check(DJKA, nik_of(1)), Check(DKI, nik_of(1)), now=NOW + hours * HOUR)
    await world.check(Check(DJKA, nik_of(2)), now=NOW + 2 * HOUR)

    async def read() -> list[tuple[Any, ...]]:
        found = await looks(world, NOW + HOUR, NOW + 3 * HOUR)
        return [(look.at, look.what, look.count, look.exact, look.people) for look in found]

    assert await read() == [
        (NOW + HOUR, "CHECK", 1, True, masked(1)),
        (NOW + 2 * HOUR, "CHECK", 1, True, masked(1)),
        (NOW + 2 * HOUR, "CHECK", 1, True, (None,)),
    ]
    await world.database.attempt(
        lambda session: erasure.erase(session, world.vault, HUBDAT, Ref(id=one.id), "Permintaan", NOW)
    )
    assert [look[-1] for look in await read()] == [(None,)] * 3


async def test_people_of_a_list_are_named_one_by_one(world: World) -> None:
    ids = await people(world, 1, 2, 3)
    await read(world, {ids[0]: "djka", ids[2]: "djka"}, asked={"registrants": {"season": 2026}})
    [look] = await looks(world, NOW + HOUR)
    assert look == LookOfClient(
        at=NOW + HOUR,
        what="registrants",
        asked={"registrants": {"season": 2026}},
        count=2,
        exact=True,
        people=masked(1, 3),
    )
    assert await looks(world, client="dishub-dki-test") == []


async def test_a_list_that_names_nobody_is_exact_if_nobody_else_fits(world: World) -> None:
    ids = await people(world, 1, 2, 3, 4)
    await world.registered(someone(HUBDAT, await world.route("H"), 9))
    await read(world, dict.fromkeys(ids[:3], "djka"), is_slice=True, asked={"season": 2026})
    [look] = await looks(world, NOW + HOUR)
    assert (look.count, look.exact, look.people) == (3, True, masked(1, 2, 3))


async def test_a_list_that_names_nobody_is_bounded_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a row names, and by a filter on what has changed since."""
    monkeypatch.setattr(reads, "MOST_NAMED", 1)
    ids = await people(world, 1, 2, 3, 4)
    await read(world, {ids[0]: "djka", ids[2]: "djka"})
    [look] = await looks(world, NOW + HOUR)
    assert (look.count, look.exact, look.people) == (2, False, masked(1, 2, 3))


async def test_a_stream_is_exact_when_its_stretch_has_ended_and_bounded_while_it_goes_on(world: World) -> None:
    ids = await people(world, 1, 2)
    number = await read(world, {ids[0]: "djka"}, goes_on=True)
    late = await world.registered(someone(DJKA, world.routes["Jakarta - Solo"], 3), NOW + HOUR + 2 * STRETCH)
    [look] = [one for one in await looks(world, NOW + HOUR) if one.what == "registrants"]
    assert (look.count, look.exact, look.people) == (1, False, masked(1, 2))
    async with world.database.transaction() as session:
        told = Read(caller=DJKA, what="registrants", people={ids[0]: "djka", late.id: "djka"})
        await reads.end(session, number, told, NOW + HOUR + 3 * STRETCH)
    for since in (NOW, NOW + HOUR + STRETCH):
        [look] = [one for one in await looks(world, since) if one.what == "registrants"]
        assert (look.count, look.exact, look.people) == (2, True, masked(1, 3))


async def test_whom_the_client_registered_or_changed(world: World) -> None:
    [one] = await people(world, 1)
    await world.moved(one, RegistrantStatus.VERIFIED, DJKA, now=NOW + HOUR)
    assert [(look.at, look.what, look.people) for look in await looks(world)] == [
        (NOW, "SUBMISSION", masked(1)),
        (NOW, "CHANGED", masked(1)),
        (NOW + HOUR, "CHANGED", masked(1)),
    ]


async def test_what_reads_were_for_goes_with_the_season(world: World) -> None:
    ids = await people(world, 1)
    await read(world, {ids[0]: "djka"}, purpose="Untuk Bapak Warga", unfound=[world.vault.blind_index(nik_of(2))])
    await world.sweep(NOW + timedelta(days=400))
    assert await world.run("SELECT purpose, unfound, salt, count FROM people_read") == [(None, None, None, 1)]
