"""Moves to another route, against submissions, cancellations and each other: never more holders than seats."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.amending import rerouting
from app.registry.registrants import lifecycle
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted
from app.registry.registrants.view import View
from tests.concurrency.agreement import assert_agrees
from tests.concurrency.crowd import at_once
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio


def move(world: World, *wanted: tuple[UUID, UUID]) -> Any:
    refs = [(Ref(id=one), route_id) for one, route_id in wanted]
    return world.database.attempt(lambda session: rerouting.move(session, world.vault, HUBDAT, refs, NOW))


def cancel(world: World, one: UUID) -> Any:
    return world.move(
        lifecycle.Move(caller=HUBDAT, ref=Ref(id=one), to=RegistrantStatus.CANCELLED, reason="Batal berangkat")
    )


async def test_forty_want_the_last_ten_seats(world: World) -> None:
    """Half of them are moved there from another bus, the others are new."""
    full, wanted = await world.route("Bus 1", quota=20), await world.route("Bus 2", quota=10)
    seated = [await world.registered(someone(HUBDAT, full, number)) for number in range(20)]
    calls = [
        *(move(world, (one.id, wanted)) for one in seated),
        *(world.submit(someone(HUBDAT, wanted, number)) for number in range(100, 120)),
    ]
    random.Random(7).shuffle(calls)  # noqa: S311 - the same disorder in each run
    verdicts = [verdict for [verdict] in await at_once(calls)]
    taken = [one for one in verdicts if isinstance(one, View | Accepted)]
    assert len(taken) == 10
    assert {one.code for one in verdicts if not isinstance(one, View | Accepted)} == {"QUOTA_FULL"}
    moved = sum(isinstance(one, View) for one in taken)
    assert [await world.taken("Bus 1"), await world.taken("Bus 2")] == [20 - moved, 10]
    await assert_agrees(world)


async def test_to_and_fro_between_two_buses(world: World) -> None:
    """Both are locked in the order of their ids, so nobody waits for the other in a circle."""
    one, two = await world.route("Bus 1", quota=15), await world.route("Bus 2", quota=15)
    people = [await world.registered(someone(HUBDAT, one if n % 2 else two, n)) for n in range(20)]
    calls = [
        *(move(world, (person.id, route)) for person in people for route in (one, two, one)),
        *(cancel(world, person.id) for person in people[:5]),
    ]
    random.Random(7).shuffle(calls)  # noqa: S311 - the same disorder in each run
    await at_once(calls)
    assert await world.taken("Bus 1") + await world.taken("Bus 2") == 15
    await assert_agrees(world)


async def test_a_return_and_a_move_of_its_outbound(world: World) -> None:
    """Whoever is first: no trip comes apart."""
    solo, yogya = await world.route(), await world.route("Yogya", destination="giwangan")
    back = await world.way_back()
    people = [await world.registered(someone(HUBDAT, solo, number)) for number in range(20)]
    calls = [
        *(move(world, (one.id, yogya)) for one in people),
        *(world.submit(someone(HUBDAT, back, number)) for number in range(20)),
    ]
    random.Random(7).shuffle(calls)  # noqa: S311 - the same disorder in each run
    await at_once(calls)
    apart = await world.one(
        """SELECT count(*) FROM registrant back JOIN registrant home ON home.id = back.outbound_id
           WHERE home.route_id <> :solo""",
        solo=solo,
    )
    assert apart == 0
    trips = await world.one("SELECT count(*) FROM registrant WHERE direction = 'BALIK'")
    assert trips == await world.one("SELECT count(*) FROM registrant WHERE route_id = :solo", solo=solo)
    await assert_agrees(world)
