"""Feeds that come at once: one route for all spellings, each person once, and no state lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.errors import Refusal, RouteUnknown
from app.models.enums import RegistrantStatus
from app.registry.registrants import lifecycle, submission
from app.registry.registrants.lookup import Ref
from app.registry.routes import merging, terminal_merging
from app.registry.routes.route import Route
from app.registry.rows import reception
from app.registry.rows.reception import Push, Result, Verdict, row_of
from tests import queries
from tests.concurrency.crowd import at_once, one_waits
from tests.registry.rows.records import TO_JEBRES, TO_WONOGIRI, WAY_BACK, pushed, record, state
from tests.world import DJKA, HUBDAT, NOW, SOON, World, someone

pytestmark = pytest.mark.anyio

NAMES = ["Jakarta - Wonogiri", "JAKARTA–WONOGIRI", "jakarta ke wonogiri", " Jakarta — Wonogiri "]
ENDS = ["Giri Adipura", "TERMINAL GIRIADIPURA", "Term. Giri-Adipura"]


async def test_one_route_for_all_spellings(world: World) -> None:
    batches = [
        [
            record(
                batch * 10 + number,
                **TO_WONOGIRI
                | {"rute_perjalanan": NAMES[(batch + number) % 4], "tujuan_terminal": ENDS[(batch + number) % 3]},
            )
            for number in range(5)
        ]
        for batch in range(12)
    ]
    answers = await at_once(pushed(world, *batch) for batch in batches)
    assert {verdict.result for verdicts in answers for verdict in verdicts} == {Result.NEW}
    assert await world.run("SELECT taken, provisional FROM route") == [(60, True)]
    assert await world.one("SELECT count(*) FROM terminal WHERE provisional") == 1
    assert Counter(await world.changes("kind")) == {
        ("REGISTRANT_MOVED",): 60,
        ("ROUTE_SAVED",): 1,
        ("TERMINAL_SAVED",): 1,
    }


async def test_a_route_that_another_batch_takes_back_is_made_after_all(world: World) -> None:
    """The first one makes the route for somebody who is refused; the second one waits for it."""
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 1))
    async with world.database.transaction() as session:
        pushes = [Push(HUBDAT, row_of(record(1, **TO_WONOGIRI)))]
        [refused] = await reception.push(session, world.vault, pushes, NOW)
        second = asyncio.create_task(pushed(world, record(2, **TO_WONOGIRI)))
        await one_waits(world)
    assert refused.code == "NIK_ALREADY_REGISTERED"
    [verdict] = await second
    assert verdict.result is Result.NEW
    assert await world.run("SELECT taken FROM route WHERE provisional") == [(1,)]


async def test_a_repeat_at_once_registers_once(world: World) -> None:
    await world.route(quota=5)
    verdicts = [one for [one] in await at_once(pushed(world, state(2)) for _ in range(20))]
    assert Counter(verdict.result for verdict in verdicts)[Result.NEW] == 1
    assert {verdict.result for verdict in verdicts} <= {Result.NEW, Result.UPDATED, Result.UNCHANGED}
    assert len({verdict.registrant_id for verdict in verdicts}) == 1
    assert await world.taken() == 1
    assert await world.changes("to_status") == [("REGISTERED",), ("VERIFIED",)]


async def test_two_feeds_of_one_person(world: World) -> None:
    for caller in (HUBDAT, DJKA):
        await world.route(organizer=caller.organizer)
    pairs = await at_once(
        pushed(world, *(record(number) for number in order), caller=caller)
        for caller, order in ((HUBDAT, range(40)), (DJKA, reversed(range(40))))
    )
    codes = Counter(verdict.code for verdicts in pairs for verdict in verdicts)
    assert codes == {None: 40, "NIK_ALREADY_REGISTERED": 40}
    assert await world.count("registrant") == 40


async def test_states_and_cancellations_at_once(world: World) -> None:
    """Whoever comes first, the history leads to where he stands, and a seat is taken by whoever has one."""
    await world.route(quota=100, departs_at=SOON)
    await pushed(world, *(state(1, number) for number in range(30)))
    ids = [row.id for row in await world.run("SELECT id FROM registrant ORDER BY id")]

    async def cancel(registrant_id: UUID) -> None:
        move = lifecycle.Move(
            caller=HUBDAT, ref=Ref(id=registrant_id), to=RegistrantStatus.CANCELLED, reason="Permintaan peserta"
        )
        await world.move(move)

    calls: list[Any] = [cancel(one) for one in ids]
    calls += [pushed(world, *(state(3, number) for number in range(start, start + 10))) for start in (0, 10, 20)]
    calls += [pushed(world, *(state(2, number) for number in reversed(range(30))))]
    calls += [pushed(world, *(state(5, number) for number in range(0, 30, 3)))]
    await at_once(calls)

    standing = Counter(row.status for row in await world.run("SELECT status FROM registrant"))
    assert set(standing) <= {"DEPARTED", "CANCELLED"}
    assert await world.taken() == standing["DEPARTED"]
    for registrant_id in ids:
        moves = await world.run(
            "SELECT from_status, to_status FROM change WHERE registrant_id = :id ORDER BY id", id=registrant_id
        )
        assert [one.from_status for one in moves] == [None, *(one.to_status for one in moves[:-1])]
        assert moves[-1].to_status == await world.status(registrant_id)


async def test_ways_home_and_back_at_once(world: World) -> None:
    await world.route()
    await world.way_back()
    rows = [one for number in range(30) for one in (record(number, **WAY_BACK), record(number))]
    ends = [state(5, number) for number in range(0, 30, 2)]
    await pushed(world, *rows[:40])
    await at_once([pushed(world, *rows), pushed(world, *ends), pushed(world, *reversed(ends)), pushed(world, *rows)])
    dangling = """SELECT count(*) FROM registrant back JOIN registrant home ON home.id = back.outbound_id
                  WHERE back.status = 'REGISTERED' AND home.status = 'CANCELLED'"""
    assert await world.one(dangling) == 0
    taken = "SELECT count(*) FROM registrant r WHERE r.route_id = route.id AND r.status = 'REGISTERED'"
    assert await world.one(f"SELECT count(*) FROM route WHERE taken <> ({taken})") == 0


# --- merging while others go on ---------------------------------------------------------------------------------------


async def merge_after(world: World, begun: Any) -> tuple[UUID, Any]:
    """Merge a provisional route while `begun` waits for it. Answers the target and what that came to."""
    into = await world.route("Mudik Bersama", quota=9)
    [(provisional,)] = await world.run("SELECT id FROM route WHERE provisional")
    async with world.database.transaction() as session:
        merged = await merging.merge(session, HUBDAT, provisional, into, NOW, admin=False)
        assert isinstance(merged, Route)
        waiting = asyncio.create_task(begun(provisional))
        await one_waits(world)
    return into, await waiting


async def test_a_record_that_waits_for_a_merge_lands_on_the_target(world: World) -> None:
    await pushed(world, record(1))

    async def begun(_: UUID) -> list[Verdict]:
        return await pushed(world, record(2))

    into, [verdict] = await merge_after(world, begun)
    assert verdict.result is Result.NEW
    assert await world.run("SELECT DISTINCT route_id FROM registrant") == [(into,)]
    assert await world.taken("Mudik Bersama") == 2


async def test_a_submission_that_waits_for_a_merge_finds_no_route(world: World) -> None:
    await pushed(world, record(1))

    async def begun(provisional: UUID) -> Any:
        return await world.database.attempt(
            lambda session: submission.submit(session, world.vault, [someone(HUBDAT, provisional, 2)], NOW)
        )

    _, [refused] = await merge_after(world, begun)
    assert isinstance(refused, RouteUnknown)
    assert await world.taken("Mudik Bersama") == 1


@pytest.mark.parametrize("code", [2, 5])
async def test_a_state_that_waits_for_a_merge(world: World, code: int) -> None:
    """It finds the person on the other route, and gives a seat of that one back."""
    await pushed(world, record(1))

    async def begun(_: UUID) -> list[Verdict]:
        return await pushed(world, state(code))

    _, [verdict] = await merge_after(world, begun)
    assert verdict.result is Result.UPDATED
    assert await world.taken("Mudik Bersama") == (1 if code == 2 else 0)
    assert await world.one("SELECT count(*) FROM route WHERE provisional AND taken = 0") == 1


async def test_two_merges_at_once_move_everybody_once(world: World) -> None:
    await pushed(world, *(record(number) for number in range(20)))
    targets = [await world.route(name, quota=20) for name in ("Satu", "Dua")]
    [(provisional,)] = await world.run("SELECT id FROM route WHERE provisional")

    async def merged(into: UUID) -> Route | Refusal:
        return await world.database.attempt(
            lambda session: merging.merge(session, HUBDAT, provisional, into, NOW, admin=False)
        )

    answers = await at_once(merged(into) for into in targets * 3)
    assert sum(isinstance(answer, Route) for answer in answers) == 1
    assert sorted(row.taken for row in await world.run("SELECT taken FROM route")) == [0, 0, 20]
    assert await world.one("SELECT count(*) FROM change WHERE kind = 'REGISTRANT_REROUTED'") == 20


async def test_a_route_that_is_declared_meanwhile_is_the_one(world: World) -> None:
    declare = """INSERT INTO route (id, season, organizer_code, name, name_key, direction, service, mode, origin_code,
                              destination_code, quota)
           VALUES (:id, 2026, 'hubdat', 'Jakarta - Solo', 'jakartasurakarta', 'MUDIK', 'PASSENGER', 'BUS',
                   'pulo-gebang', 'tirtonadi', 1)"""
    declared = uuid4()
    async with world.database.transaction() as session:
        await queries.run(session, declare, {"id": declared})
        waiting = asyncio.create_task(pushed(world, record(1), record(2)))
        await one_waits(world)
    assert [verdict.code for verdict in await waiting] == [None, "QUOTA_FULL"]
    assert await world.run("SELECT id, taken FROM route") == [(declared, 1)]


async def test_a_terminal_that_is_merged_meanwhile_is_not_used(world: World) -> None:
    await pushed(world, record(1, **TO_JEBRES))
    [(code,)] = await world.run("SELECT code FROM terminal WHERE provisional")
    async with world.database.transaction() as session:
        await terminal_merging.merge(session, HUBDAT, code, "tirtonadi", NOW, admin=False)
        waiting = asyncio.create_task(pushed(world, record(2, **TO_JEBRES | {"rute_perjalanan": "Jebres Ekspres"})))
        await one_waits(world)
    [verdict] = await waiting
    assert verdict.result is Result.NEW
    assert await world.run("SELECT destination_code FROM route") == [("tirtonadi",), ("tirtonadi",)]
