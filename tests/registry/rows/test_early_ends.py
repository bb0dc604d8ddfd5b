"""A cancel that overtakes its registration: it is remembered, and the late registration takes no seat."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.db import Session
from app.models.enums import RegistrantStatus
from app.registry.registrants import lifecycle
from app.registry.registrants.lookup import Ref
from app.registry.rows import reception
from app.registry.rows.reception import Push, row_of
from tests.concurrency.crowd import one_waits
from tests.registry.rows.records import WAY_BACK, pushed, record, state, told
from tests.world import DJKA, HUBDAT, NOW, SOON, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
BOOKED = {"kode_booking": "BK-1"}


@pytest.mark.parametrize("code", [4, 5, 6])
@pytest.mark.parametrize("late", [1, 2])
async def test_the_late_registration_is_stale(world: World, code: int, late: int) -> None:
    await world.route(quota=1)
    await pushed(world, state(code, **BOOKED))
    async with world.unchanged():
        [stale] = await pushed(world, state(late, **BOOKED))
    title = {4: "Gugur", 5: "Batal", 6: "Tidak hadir"}[code]
    assert told([stale]) == [("STALE", "STALE")]
    assert (stale.registrant_id, stale.status) == (None, S({4: "FORFEITED", 5: "CANCELLED", 6: "NO_SHOW"}[code]))
    assert stale.message() == f"Data ini lebih lama: di registri statusnya sudah {title}."
    assert await world.taken() == 0


@pytest.mark.parametrize(
    ("end", "late", "is_stale"),
    [
        ({"kode_booking": "BK-1"}, {"kode_booking": "BK-1", "tanggal_pendaftaran": "2026-03-01"}, True),
        ({"kode_booking": "BK-1"}, {"kode_booking": "BK-2"}, False),
        ({"kode_booking": "BK-1"}, {}, True),
        ({}, {"kode_booking": "BK-1"}, True),
        ({}, {"tanggal_pendaftaran": "2026-03-01"}, True),
        ({"tanggal_pendaftaran": "2026-03-01"}, {}, False),
        # A list often holds no more than days.
        ({"tanggal_pendaftaran": "2026-03-02"}, {"tanggal_pendaftaran": "2026-03-02 08:30"}, True),
        ({"tanggal_pendaftaran": "2026-03-02 08:00"}, {"tanggal_pendaftaran": "2026-03-02"}, True),
        ({"tanggal_pendaftaran": "2026-03-02 08:00"}, {"tanggal_pendaftaran": "2026-03-02 08:00"}, True),
        ({"tanggal_pendaftaran": "2026-03-02 08:00"}, {"tanggal_pendaftaran": "2026-03-02 08:30"}, False),
    ],
)
async def test_it_is_known_by_its_booking_code_or_its_day(
    world: World, end: dict[str, str], late: dict[str, str], is_stale: bool
) -> None:
    await world.route()
    await pushed(world, state(5, **end))
    [verdict] = await pushed(world, state(1, **late))
    assert told([verdict]) == [("STALE", "STALE") if is_stale else ("NEW", None)]
    assert await world.count("registrant") == (0 if is_stale else 1)


async def test_of_another_person_organizer_direction_or_service_it_says_nothing(world: World) -> None:
    await world.route()
    await world.route(service="MOTORCYCLE")
    await world.route("KA", organizer="djka")
    await world.policy("hubdat", return_requires_outbound=False)
    await world.way_back()
    await pushed(world, state(5))
    papers = {"nomor_polisi": "B 1", "nomor_stnk": "1"}
    verdicts = await pushed(world, record(2), record(**WAY_BACK), record(**papers))
    assert told(verdicts) == [("NEW", None)] * 3
    await world.run("DELETE FROM registrant")
    assert told(await pushed(world, record(rute_perjalanan="KA"), caller=DJKA)) == [("NEW", None)]


async def test_of_another_season_it_says_nothing(world: World) -> None:
    await pushed(world, state(5))
    await world.season(2027, NOW.date())
    await world.run("UPDATE registration_window SET season = 2027")
    await world.route(season=2027)
    assert told(await pushed(world, state(1))) == [("NEW", None)]


async def test_in_one_batch_too(world: World) -> None:
    await world.route()
    verdicts = await pushed(world, state(5), state(1), state(2), state(5))
    assert told(verdicts) == [("UNCHANGED", None), ("STALE", "STALE"), ("STALE", "STALE"), ("UNCHANGED", None)]
    assert await world.count("registrant") == 0
    assert await world.count("early_end") == 1


async def test_told_again_it_is_remembered_once(world: World) -> None:
    await pushed(world, state(5), state(5), state(6))
    await pushed(world, state(5))
    assert await world.run("SELECT status, reference, organizer_code FROM early_end") == [("CANCELLED", None, "hubdat")]
    await pushed(world, state(5, **BOOKED))
    assert await world.count("early_end") == 2


async def test_whoever_is_aboard_is_no_no_show(world: World) -> None:
    await world.route(departs_at=SOON)
    await pushed(world, state(6, 1), state(5, 2))
    [aboard, refused] = await pushed(world, state(3, 1), state(3, 2))
    assert told([aboard]) == [("NEW", None)]
    assert (refused.code, refused.status) == ("TRANSITION_NOT_ALLOWED", S.CANCELLED)
    assert await world.run("SELECT status FROM registrant") == [("DEPARTED",)]


async def test_after_one_that_has_ended_the_end_of_the_next_one_may_come_first(world: World) -> None:
    await world.route()
    await pushed(world, state(1, **BOOKED), state(5, **BOOKED))
    another = {"kode_booking": "BK-2", "tanggal_pendaftaran": "2026-03-02 08:00"}
    [early] = await pushed(world, state(5, **another))
    assert [warning.code for warning in early.warnings] == ["END_REMEMBERED"]
    assert told(await pushed(world, state(1, **another))) == [("STALE", "STALE")]
    assert await world.run("SELECT status FROM registrant") == [("CANCELLED",)]


async def test_a_client_of_graphql_waits_for_its_answers(world: World) -> None:
    """So its cancellation overtakes nobody: it is NOT_FOUND, and nothing is remembered or judged by what is."""
    route = await world.route()
    ref = Ref(nik=nik_of(1))
    [refused] = await world.database.attempt(
        lambda session: lifecycle.cancel(session, world.vault, HUBDAT, [ref], NOW, reason="Sakit")
    )
    assert refused.code == "NOT_FOUND"  # type: ignore[union-attr]
    assert await world.count("early_end") == 0
    await pushed(world, state(5))
    assert (await world.accepted(someone(HUBDAT, route))).replayed is False


async def test_what_is_stored_holds_no_nik(world: World) -> None:
    await pushed(world, state(5, **BOOKED))
    [row] = (await world.rows("early_end"))["early_end"]
    assert nik_of(1) not in row


@pytest.mark.parametrize("first", [5, 1], ids=["the end", "the registration"])
async def test_end_and_registration_at_once(world: World, first: int) -> None:
    """Whichever is first, nobody keeps a seat: the other one waits, and sees what came."""
    await world.route(quota=1)
    holding, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(session: Session) -> Any:
        told = await reception.push(session, world.vault, [Push(HUBDAT, row_of(state(first)))], NOW)
        holding.set()
        await go_on.wait()
        return told

    slow = asyncio.create_task(world.database.attempt(slowly))
    await holding.wait()
    other = asyncio.create_task(pushed(world, state(6 - first)))
    await one_waits(world)
    go_on.set()
    await slow
    [verdict] = await other
    assert verdict.result == ("STALE" if first == 5 else "UPDATED")
    assert await world.taken() == 0
