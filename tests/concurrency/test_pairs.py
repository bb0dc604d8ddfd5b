"""A return never outlives its outbound, and stays the same person's, whatever happens to the two at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from app import db
from app.clock import end_of_wib_day, wib_day
from app.models.enums import RegistrantStatus
from app.registry import sweep
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.registrants import lifecycle, submission
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.submission import Accepted
from app.registry.registrants.view import View
from app.registry.sweep import Swept
from tests.concurrency.agreement import assert_agrees
from tests.concurrency.crowd import at_once, one_waits
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

THERE, BACK = "Jakarta - Solo", "Solo - Jakarta"
IN_TIME = end_of_wib_day(wib_day(NOW) + timedelta(days=7))
STANDING = "SELECT count(*) FROM registrant WHERE direction = :direction AND status IN ('REGISTERED', 'VERIFIED')"


async def outbounds(world: World, count: int) -> list[View]:
    route = await world.route(THERE, quota=count)
    await world.way_back(BACK, quota=count)
    people = [someone(HUBDAT, route, number) for number in range(count)]
    return [verdict.view for verdict in await world.submit(*people)]


def cancel(world: World, *outbounds: View) -> Any:
    moves = [
        lifecycle.Move(caller=HUBDAT, ref=Ref(id=one.id), to=RegistrantStatus.CANCELLED, reason="Batal berangkat")
        for one in outbounds
    ]
    return world.move(*moves)


def back(world: World, *numbers: int, **changes: Any) -> Any:
    return world.submit(*(someone(HUBDAT, world.routes[BACK], number, **changes) for number in numbers))


def shuffled(calls: Sequence[Any]) -> tuple[list[int], list[Any]]:
    places = random.Random(7).sample(range(len(calls)), len(calls))  # noqa: S311 - the same disorder in each run
    return places, [calls[place] for place in places]


async def test_cancelling_the_outbound_against_booking_the_return(world: World) -> None:
    held = await outbounds(world, 90)
    single = [*(cancel(world, one) for one in held[:50]), *(back(world, number) for number in range(50))]
    batches = [
        *(cancel(world, *held[start : start + 10]) for start in range(50, 90, 10)),
        *(back(world, *reversed(range(start, start + 20))) for start in range(50, 90, 20)),
    ]
    places, calls = shuffled([*single, *batches])
    answers = dict(zip(places, await at_once(calls), strict=True))
    cancelled = list(chain(*(answers[place] for place in (*range(50), *range(100, 104)))))
    booked = list(chain(*(answers[place] for place in (*range(50, 100), *range(104, 106)))))
    assert [one.status for one in cancelled] == ["CANCELLED"] * 90
    returns = [verdict.view.id for verdict in booked if isinstance(verdict, Accepted)]
    refused = [verdict.code for verdict in booked if not isinstance(verdict, Accepted)]
    assert refused == ["RETURN_WITHOUT_OUTBOUND"] * (90 - len(returns))
    assert await world.run("SELECT DISTINCT status FROM registrant") == [("CANCELLED",)]
    assert await world.count("registrant") == 90 + len(returns)
    assert [await world.taken(THERE), await world.taken(BACK)] == [0, 0]
    await assert_agrees(world)


async def test_a_return_that_is_being_booked_goes_with_the_outbound(world: World) -> None:
    """The cancellation waits for the booking, and then sees a return that was not there when it began."""
    [outbound] = await outbounds(world, 1)
    async with world.database.transaction() as session:
        given = [someone(HUBDAT, world.routes[BACK], 0)]
        [accepted] = await submission.submit(session, world.vault, given, NOW)
        cancelling = asyncio.create_task(cancel(world, outbound))
        await one_waits(world)
    [cancelled] = await cancelling
    assert cancelled.status == "CANCELLED"
    assert isinstance(accepted, Accepted)
    assert await world.status(accepted.view.id) == "CANCELLED"
    assert [await world.taken(THERE), await world.taken(BACK)] == [0, 0]
    await assert_agrees(world)


async def test_an_outbound_that_is_being_cancelled_has_no_return(world: World) -> None:
    [outbound] = await outbounds(world, 1)
    async with world.database.transaction() as session:
        moves = [
            lifecycle.Move(
                caller=HUBDAT, ref=Ref(id=outbound.id), to=RegistrantStatus.CANCELLED, reason="Batal berangkat"
            )
        ]
        await lifecycle.move(session, world.vault, moves, NOW)
        booking = asyncio.create_task(back(world, 0))
        await one_waits(world)
    [refused] = await booking
    assert refused.code == "RETURN_WITHOUT_OUTBOUND"
    assert await world.taken(BACK) == 0
    await assert_agrees(world)


def verify(world: World, *legs: View) -> Any:
    return world.move(
        *(lifecycle.Move(caller=HUBDAT, ref=Ref(id=one.id), to=RegistrantStatus.VERIFIED) for one in legs)
    )


async def test_verifying_the_outbound_against_booking_the_return(world: World) -> None:
    """Whichever comes first, the trip is verified as a whole."""
    held = await outbounds(world, 60)
    _, calls = shuffled([*(verify(world, one) for one in held), *(back(world, number) for number in range(60))])
    await at_once(calls)
    assert await world.run("SELECT DISTINCT status FROM registrant") == [("VERIFIED",)]
    assert await world.count("registrant") == 120
    await assert_agrees(world)


async def test_a_return_that_is_being_booked_is_verified_with_its_outbound(world: World) -> None:
    [outbound] = await outbounds(world, 1)
    async with world.database.transaction() as session:
        given = [someone(HUBDAT, world.routes[BACK], 0)]
        [accepted] = await submission.submit(session, world.vault, given, NOW)
        verifying = asyncio.create_task(verify(world, outbound))
        await one_waits(world)
    [verified] = await verifying
    assert isinstance(accepted, Accepted)
    assert (verified.status, accepted.view.status) == ("VERIFIED", "REGISTERED")
    assert await world.status(accepted.view.id) == "VERIFIED"
    await assert_agrees(world)


async def test_an_outbound_that_is_being_verified_has_a_verified_return(world: World) -> None:
    [outbound] = await outbounds(world, 1)
    async with world.database.transaction() as session:
        moves = [lifecycle.Move(caller=HUBDAT, ref=Ref(id=outbound.id), to=RegistrantStatus.VERIFIED)]
        await lifecycle.move(session, world.vault, moves, NOW)
        booking = asyncio.create_task(back(world, 0))
        await one_waits(world)
    [booked] = await booking
    assert booked.view.status == "VERIFIED"
    await assert_agrees(world)


async def test_verifying_both_legs_at_once(world: World) -> None:
    held = await outbounds(world, 30)
    booked = [verdict.view for verdict in await back(world, *range(30))]
    await at_once([*(verify(world, one) for one in held), *(verify(world, one) for one in reversed(booked))])
    told = "SELECT count(*) FROM change WHERE to_status = 'VERIFIED'"
    assert await world.one(told) == 60
    await assert_agrees(world)


async def test_verifying_a_rider_against_forfeiting_the_motorcycle(world: World) -> None:
    """Nobody is verified and blocked."""
    seats, deck = await world.route(THERE), await world.route("Motis", service="MOTORCYCLE")
    riders = await world.submit(*(someone(HUBDAT, seats, number) for number in range(40)))
    papers = Motorcycle("B 1", "1")
    await world.submit(*(someone(HUBDAT, deck, number, motorcycle=papers) for number in range(40)))
    moves = [verify(world, one.view) for one in riders]
    sweeping = asyncio.create_task(world.sweep(IN_TIME + timedelta(seconds=1)))
    await at_once(moves)
    await sweeping
    await assert_agrees(world)


async def test_forfeiting_the_outbound_against_booking_the_return(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a return that was registered on the right day, and only arrives now."""
    monkeypatch.setattr(sweep, "MOST_SWEPT_TOGETHER", 5)
    # With all their returns, they are no more than are ended without Hubdat's word.
    await outbounds(world, 50)
    bookings = [
        world.submit(someone(HUBDAT, world.routes[BACK], number, registered_at=NOW), now=IN_TIME)
        for number in range(50)
    ]
    _, answers = await asyncio.gather(world.sweep(IN_TIME + timedelta(seconds=1)), at_once(bookings))
    codes = {verdict.code for [verdict] in answers if not isinstance(verdict, Accepted)}
    assert codes <= {"RETURN_WITHOUT_OUTBOUND", "NIK_BLOCKED"}
    assert await world.run("SELECT DISTINCT status FROM registrant") == [("FORFEITED",)]
    assert [await world.taken(THERE), await world.taken(BACK)] == [0, 0]
    assert await world.count("nik_block") == 50
    await assert_agrees(world)


async def test_both_ways_at_once_against_each_other(world: World) -> None:
    """Trips booked in one stroke by many, on few seats home and fewer back: both ways or neither."""
    there, home = await world.route(THERE, quota=30), await world.way_back(BACK, quota=20)
    trips = [someone(HUBDAT, there, number, return_route_id=home) for number in range(60)]
    answers = await at_once(
        [*(world.submit(one) for one in trips[:40]), world.submit(*trips[20:]), world.submit(*reversed(trips))]
    )
    assert {verdict.code for verdict in chain(*answers) if not isinstance(verdict, Accepted)} == {"QUOTA_FULL"}
    assert [await world.taken(THERE), await world.taken(BACK)] == [20, 20]
    assert await world.one("SELECT count(*) FROM registrant WHERE outbound_id IS NOT NULL") == 20
    await assert_agrees(world)


def correct(world: World, one: View, number: int) -> Any:
    given = Correction(reason="Salah ketik", nik=nik_of(number))
    return world.database.attempt(
        lambda session: corrections.correct(session, world.vault, HUBDAT, Ref(id=one.id), given, NOW)
    )


async def test_correcting_the_outbound_against_booking_the_return(world: World) -> None:
    """The return goes with the corrected NIK, or is refused; it is never left with the mistyped one."""
    held = await outbounds(world, 60)
    places, calls = shuffled(
        [
            *(correct(world, one, 100 + number) for number, one in enumerate(held)),
            *(back(world, number) for number in range(60)),
        ]
    )
    answers = dict(zip(places, await at_once(calls), strict=True))
    assert [type(answers[place]) for place in range(60)] == [View] * 60
    refused = [verdict.code for place in range(60, 120) for verdict in answers[place] if hasattr(verdict, "code")]
    assert set(refused) <= {"RETURN_WITHOUT_OUTBOUND"}
    assert await world.one(STANDING, direction="BALIK") == 60 - len(refused)
    await assert_agrees(world)


async def test_a_return_that_is_being_booked_is_corrected_with_its_outbound(world: World) -> None:
    [outbound] = await outbounds(world, 1)
    async with world.database.transaction() as session:
        given = [someone(HUBDAT, world.routes[BACK], 0)]
        [accepted] = await submission.submit(session, world.vault, given, NOW)
        correcting = asyncio.create_task(correct(world, outbound, 100))
        await one_waits(world)
    assert isinstance(await correcting, View)
    assert isinstance(accepted, Accepted)
    found = await world.find(accepted.view.id)
    assert found is not None
    assert found.nik == nik_of(100)
    await assert_agrees(world)


async def test_an_outbound_that_is_being_corrected_is_not_the_mistyped_ones(world: World) -> None:
    [outbound] = await outbounds(world, 1)
    async with world.database.transaction() as session:
        given = Correction(reason="Salah ketik", nik=nik_of(100))
        await corrections.correct(session, world.vault, HUBDAT, Ref(id=outbound.id), given, NOW)
        booking = asyncio.create_task(back(world, 0))
        await one_waits(world)
    [refused] = await booking
    assert refused.code == "RETURN_WITHOUT_OUTBOUND"
    await assert_agrees(world)


async def test_a_return_that_was_erased_is_not_corrected_back(world: World) -> None:
    """A trip of which one way was erased can still be corrected."""
    [outbound] = await outbounds(world, 1)
    [[booked]] = await asyncio.gather(back(world, 0))
    await world.erased_alone(booked.view.id)
    erased = await world.find(booked.view.id)
    corrected = await correct(world, outbound, 100)
    assert isinstance(corrected, View)
    assert corrected.nik == nik_of(100)
    assert await world.find(booked.view.id) == erased
    told = "SELECT registrant_id FROM change WHERE kind = 'REGISTRANT_CORRECTED'"
    assert await world.run(told) == [(outbound.id,)]


async def test_returns_that_are_booked_while_their_route_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A burst of bookings does not make the sweep begin again and again: once it has their route it knows them all."""
    monkeypatch.setattr(db, "ATTEMPTS", 1)
    await outbounds(world, 2)
    await back(world, 0)
    async with world.database.transaction() as session:
        await submission.submit(session, world.vault, [someone(HUBDAT, world.routes[BACK], 1)], NOW)
        sweeping = asyncio.create_task(world.sweep(IN_TIME + timedelta(seconds=1)))
        await one_waits(world)
    assert await sweeping == Swept(forfeited=3)
    assert await world.run("SELECT DISTINCT status FROM registrant") == [("FORFEITED",)]
    assert [await world.taken(THERE), await world.taken(BACK)] == [0, 0]
    await assert_agrees(world)


async def test_a_trip_whose_way_home_is_taken_meanwhile(world: World) -> None:
    """Only the outbound loses its NIK to another organizer: the return must not be left, and it is no error."""
    there, home = await world.route(THERE, quota=1), await world.way_back(BACK, quota=1)
    train = await world.route("KA", organizer="djka")
    async with world.database.transaction() as session:
        [first] = await submission.submit(session, world.vault, [someone(DJKA, train, 0)], NOW)
        booking = asyncio.create_task(world.submit(someone(HUBDAT, there, 0, return_route_id=home)))
        await one_waits(world)
    [refused] = await booking
    assert isinstance(first, Accepted)
    assert (refused.code, refused.standing.organizer) == ("NIK_ALREADY_REGISTERED", "djka")
    assert await world.count("registrant") == 1
    assert [await world.taken(THERE), await world.taken(BACK)] == [0, 0]
    await assert_agrees(world)
