"""Held seats through random days: the registry answers as ten lines of arithmetic do, and no hold is broken."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry.registrants.submission import Accepted
from app.registry.routes import held_seats, quota_releases, route, seat_holds
from app.registry.routes.held_seats import SeatHold
from tests.concurrency.agreement import assert_agrees
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

STEPS = 80


@dataclass
class Day:
    """A route in the registry, and what is expected of it."""

    world: World
    route_id: UUID
    dice: random.Random
    now: datetime = NOW
    quota: int = 12
    people: list[UUID] = field(default_factory=list)
    holds: dict[UUID, tuple[int, datetime]] = field(default_factory=dict)
    number: int = 0

    def seats(self, hold_id: UUID) -> int:
        seats, ends_at = self.holds[hold_id]
        return seats if ends_at > self.now else 0

    @property
    def held(self) -> int:
        return sum(map(self.seats, self.holds))

    @property
    def left(self) -> int:
        return self.quota - len(self.people) - self.held

    async def hold(self) -> None:
        seats, minutes = self.dice.randint(1, 4), self.dice.randint(1, 15)
        made = await self.world.database.attempt(
            lambda session: seat_holds.hold(session, HUBDAT, self.route_id, seats, minutes, self.now)
        )
        assert isinstance(made, SeatHold) is (seats <= self.left), made
        if isinstance(made, SeatHold):
            self.holds[made.id] = (seats, self.now + timedelta(minutes=minutes))

    async def submit(self) -> None:
        hold_id = self.dice.choice([None, None, *self.holds])
        kept = 0 if hold_id is None else self.seats(hold_id)
        self.number += 1
        one = someone(HUBDAT, self.route_id, self.number, holds=() if hold_id is None else (hold_id,))
        [verdict] = await self.world.submit(one, now=self.now)
        assert isinstance(verdict, Accepted) is (self.left + kept > 0), verdict
        if not isinstance(verdict, Accepted):
            return
        assert [one.code for one in verdict.warnings] == (["HOLD_ENDED"] if hold_id is not None and not kept else [])
        self.people.append(verdict.view.id)
        if hold_id is not None and kept:
            self.holds[hold_id] = (kept - 1, self.holds[hold_id][1])

    async def give_back(self) -> None:
        if self.holds:
            hold_id = self.dice.choice([*self.holds])
            await self.world.database.attempt(lambda session: seat_holds.give_back(session, HUBDAT, hold_id, self.now))
            self.holds[hold_id] = (0, self.now)

    async def cancel(self) -> None:
        if self.people:
            one = self.people.pop(self.dice.randrange(len(self.people)))
            await self.world.moved(one, RegistrantStatus.CANCELLED, now=self.now)

    async def release(self) -> None:
        seats = self.dice.choice([-5, -3, -1, 1, 2])
        answer = await self.world.database.attempt(
            lambda session: quota_releases.release(session, HUBDAT, self.route_id, seats, None, self.now)
        )
        assert isinstance(answer, Refusal) is (self.quota + seats < len(self.people)), answer
        if isinstance(answer, Refusal):
            return
        self.quota += seats
        left = self.quota - len(self.people)
        for hold_id in sorted(self.holds):
            kept = min(self.seats(hold_id), left)
            left -= kept
            self.holds[hold_id] = (kept, self.holds[hold_id][1])

    async def wait(self) -> None:
        self.now += timedelta(seconds=self.dice.randint(1, 400))

    async def agrees(self) -> None:
        async with self.world.database.transaction() as session:
            [found] = await route.by_ids(session, [self.route_id], self.now)
            known = await held_seats.named(session, list(self.holds), self.now)
        assert found is not None
        assert (found.quota, found.taken, found.held) == (self.quota, len(self.people), self.held)
        assert self.left >= 0
        assert {one.id: one.seats for one in known.values()} == {one: self.seats(one) for one in self.holds}


@pytest.mark.parametrize("seed", range(6))
async def test_a_random_day(world: World, seed: int) -> None:
    await world.policy("hubdat", hold_percent=100)
    day = Day(world, await world.route(quota=12), random.Random(seed))  # noqa: S311 - the same day in each run
    steps = [day.hold, day.hold, day.submit, day.submit, day.submit, day.give_back, day.cancel, day.release, day.wait]
    for _ in range(STEPS):
        await day.dice.choice(steps)()
        await day.agrees()
    await assert_agrees(world)
