"""Quota when everybody comes at once: exactly as many holders as seats, whichever door they take."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from typing import Any
from uuid import UUID

import pytest

from app.db import Database
from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.process import Submissions
from app.registry.registrants import lifecycle, submission
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted, Submission
from app.registry.registrants.view import View
from app.registry.routes import quota_releases
from app.registry.routes import route as routes
from app.registry.routes.route import Route
from app.vault.vault import Vault
from tests.concurrency.agreement import assert_agrees
from tests.concurrency.crowd import at_once
from tests.concurrency.processes import Crew
from tests.world import DJKA, HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

ROUTE = "Jakarta - Solo"


def counted(verdicts: Sequence[Any]) -> Counter[str]:
    return Counter(_said(verdict) for verdict in verdicts)


def _said(verdict: Any) -> str:
    if isinstance(verdict, Accepted):
        return "REPLAYED" if verdict.replayed else "REGISTERED"
    return verdict.code if isinstance(verdict, Refusal) else type(verdict).__name__


async def seen(world: World, route_id: UUID) -> Route:
    async with world.database.transaction() as session:
        [route] = await routes.by_ids(session, [route_id], NOW)
    assert route is not None
    return route


async def assert_exactly_full(world: World, route_id: UUID, seats: int) -> None:
    route = await seen(world, route_id)
    assert (route.quota, route.taken, route.remaining) == (seats, seats, 0)
    assert await world.one("SELECT count(*) FROM registrant WHERE route_id = :id", id=route_id) == seats
    # Told once, by whoever took the last seat.
    filled = "SELECT count(*) FROM change WHERE kind = 'QUOTA_FILLED' AND route_id = :id"
    assert await world.one(filled, id=route_id) == 1
    await assert_agrees(world)


async def test_five_hundred_claims_on_a_hundred_seats(world: World) -> None:
    route = await world.route(quota=100)
    verdicts = await at_once(world.submit(someone(HUBDAT, route, number)) for number in range(500))
    assert counted([verdict for [verdict] in verdicts]) == {"REGISTERED": 100, "QUOTA_FULL": 400}
    await assert_exactly_full(world, route, 100)


async def test_five_hundred_claims_merged_by_two_servers(world: World) -> None:
    route = await world.route(quota=100, departs_at=None)

    servers = [Submissions(world.database, world.vault) for _ in range(2)]
    claims = [servers[number % 2].ask(someone(HUBDAT, route, number)) for number in range(500)]
    assert counted(await asyncio.gather(*claims)) == {"REGISTERED": 100, "QUOTA_FULL": 400}
    await assert_exactly_full(world, route, 100)


async def submit_batches(database: Database, vault: Vault, batches: list[list[Submission]]) -> list[Any]:
    async def one(batch: list[Submission]) -> list[Any]:
        return await database.attempt(lambda session: submission.submit(session, vault, batch, NOW))

    return list(await asyncio.gather(*(one(batch) for batch in batches)))


def in_any_order(people: list[Submission], count: int) -> list[list[Submission]]:
    """`count` batches of the same people: forwards, backwards, and shuffled."""
    dice = random.Random(count)  # noqa: S311 - any order will do, but the same one in each run
    orders = [people, people[::-1], *(dice.sample(people, len(people)) for _ in range(count - 2))]
    return orders[:count]


async def test_batches_that_want_the_same_people_on_the_same_routes_in_opposite_orders(
    world: World, crew: Crew
) -> None:
    there, elsewhere = await world.route(quota=50), await world.route("Jakarta - Solo 2", quota=50)
    people = [someone(HUBDAT, (there, elsewhere)[number % 2], number) for number in range(160)]
    shares = [in_any_order(people, 4) for _ in range(3)]
    answers = await crew.run(world.database, submit_batches, [(share,) for share in shares])
    verdicts = counted(list(chain(*chain(*answers))))
    assert verdicts["REGISTERED"] == 100
    assert verdicts == {"REGISTERED": 100, "REPLAYED": 11 * 100, "QUOTA_FULL": 12 * 60}
    for route in (there, elsewhere):
        await assert_exactly_full(world, route, 50)


async def test_batches_of_two_organizers_that_want_the_same_people(world: World) -> None:
    """No route in common, so only the NIKs' own order keeps them from waiting for each other in a circle."""
    ours, theirs = await world.route(), await world.route("Milik DJKA", organizer="djka")
    batches = [
        *in_any_order([someone(HUBDAT, ours, number) for number in range(100)], 4),
        *in_any_order([someone(DJKA, theirs, number) for number in range(100)], 4),
    ]
    verdicts = counted(list(chain(*await asyncio.gather(*(world.submit(*batch) for batch in batches)))))
    assert verdicts["REGISTERED"] == 100
    # Each holder's organizer sent it three times more, and the other one four times.
    assert verdicts == {"REGISTERED": 100, "REPLAYED": 300, "NIK_ALREADY_REGISTERED": 400}
    assert await world.one("SELECT sum(attempts) FROM case_claim") == 400
    assert await world.count("registrant") == 100
    await assert_agrees(world)


async def test_a_release_that_comes_due_while_people_claim(world: World) -> None:
    """Whoever comes at the hour or later sees the new seats, and they are added once."""
    route, at = await world.route(quota=10), NOW + timedelta(hours=1)
    await world.release(route, 20, at)
    before = [world.submit(someone(HUBDAT, route, number), now=NOW) for number in range(40)]
    after = [world.submit(someone(HUBDAT, route, 100 + number), now=at) for number in range(40)]
    verdicts = await at_once(chain(*zip(before, after, strict=True)))
    assert counted([verdict for [verdict] in verdicts]) == {"REGISTERED": 30, "QUOTA_FULL": 50}
    assert await world.run("SELECT quota, taken FROM route") == [(30, 30)]
    assert await world.run("SELECT seats, released_at FROM quota_release") == [(20, at)]
    await assert_agrees(world)


async def change_quota(world: World, route: UUID, seats: int) -> Any:
    return await world.database.attempt(
        lambda session: quota_releases.release(session, HUBDAT, route, seats, None, NOW)
    )


async def test_lowering_a_quota_against_claims(world: World) -> None:
    route = await world.route(quota=60)
    claims = [world.submit(someone(HUBDAT, route, number)) for number in range(60)]
    lowerings = [change_quota(world, route, -5) for _ in range(12)]
    dice = random.Random(1)  # noqa: S311
    calls = dice.sample([*claims, *lowerings], 72)
    verdicts = list(chain(*(one if isinstance(one, list) else [one] for one in await at_once(calls))))
    said = counted(verdicts)
    [(quota, taken)] = await world.run("SELECT quota, taken FROM route")
    assert quota == 60 - 5 * said["Route"]
    # A seat is refused only when there is none, and no seat is taken away from anybody.
    assert quota - 5 < taken <= quota
    lowered = (60 - quota) // 5
    expected = {"Route": lowered, "QUOTA_BELOW_TAKEN": 12 - lowered, "REGISTERED": taken, "QUOTA_FULL": 60 - taken}
    assert said == Counter(expected)
    await assert_agrees(world)


async def test_a_cancelled_seat_is_claimed_once(world: World) -> None:
    route = await world.route(quota=30)
    held = [one.view for one in await world.submit(*(someone(HUBDAT, route, number) for number in range(30)))]
    cancels = [
        world.move(
            lifecycle.Move(caller=HUBDAT, ref=Ref(id=one.id), to=RegistrantStatus.CANCELLED, reason="Batal berangkat")
        )
        for one in held[:20]
    ]
    claims = [world.submit(someone(HUBDAT, route, 100 + number)) for number in range(60)]
    verdicts = [verdict for [verdict] in await at_once([*chain(*zip(cancels, claims[:20], strict=True)), *claims[20:]])]
    said = counted(verdicts)
    assert said["View"] == 20
    assert said["REGISTERED"] + said["QUOTA_FULL"] == 60
    assert await world.taken(ROUTE) == 10 + said["REGISTERED"]
    await assert_agrees(world)
    # What the claims that came too early left is there for the ones that come now, and not one seat more.
    late = await world.submit(*(someone(HUBDAT, route, 200 + number) for number in range(30)))
    left = 20 - said["REGISTERED"]
    assert counted(late) == Counter({"REGISTERED": left, "QUOTA_FULL": 30 - left})
    returned = await world.run("SELECT facts FROM change WHERE kind = 'QUOTA_RETURNED'")
    assert [facts["seats"] for [facts] in returned] == [1] * 20
    assert await world.taken(ROUTE) == 30
    await assert_agrees(world)


async def test_a_person_who_is_cancelled_twice_at_once_leaves_one_seat(world: World) -> None:
    route = await world.route(quota=40)
    held = [one.view for one in await world.submit(*(someone(HUBDAT, route, number) for number in range(40)))]
    cancel = [
        lifecycle.Move(caller=HUBDAT, ref=Ref(id=one.id), to=RegistrantStatus.CANCELLED, reason="Batal berangkat")
        for one in held
    ]
    batches = [cancel, cancel[::-1], cancel[10:], cancel[:30]]
    singles = [[one] for one in cancel[::4]]
    verdicts = list(chain(*await asyncio.gather(*(world.move(*batch) for batch in (*batches, *singles)))))
    assert {(type(one), one.status) for one in verdicts} == {(View, "CANCELLED")}
    assert await world.taken(ROUTE) == 0
    assert await world.one("SELECT count(*) FROM change WHERE to_status = 'CANCELLED'") == 40
    await assert_agrees(world)
