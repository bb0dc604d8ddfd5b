"""Several processes do everything to the same few people and routes: nobody gets an error, and it all agrees after."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.db import Database, Session
from app.errors import Raced, Refusal
from app.models.enums import RegistrantStatus
from app.registry import case_decisions, erasure, sweep
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.caller import Caller
from app.registry.niks import blocks
from app.registry.registrants import cases, lifecycle, submission
from app.registry.registrants.lookup import Ref
from app.registry.routes import quota_releases
from app.vault.vault import Vault
from tests import queries
from tests.concurrency.agreement import assert_agrees
from tests.concurrency.processes import Crew
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

PEOPLE = 40
TASKS, CALLS = 6, 20
Ways = dict[str, list[tuple[UUID, UUID]]]
"""By organizer: a route home and the one back."""


class Office:
    """One of many that work at the same time; its dice are its own."""

    def __init__(self, database: Database, vault: Vault, ways: Ways, seed: int) -> None:
        self.database, self.vault, self.ways = database, vault, ways
        self.dice = random.Random(seed)  # noqa: S311 - anything may happen, but the same in each run
        self.said: Counter[str] = Counter()

    async def work(self) -> Counter[str]:
        doings: Sequence[Callable[[], Awaitable[Any]]] = [
            *[self.submit] * 8,
            *[self.move] * 6,
            *[self.correct] * 4,
            self.release,
            self.block_or_lift,
            self.erase,
            self.decide,
            self.sweep,
        ]
        for _ in range(CALLS):
            doing = self.dice.choice(doings)
            answer = await doing()
            for verdict in answer if isinstance(answer, list) else [answer]:
                said = verdict.code if isinstance(verdict, Refusal) else type(verdict).__name__
                self.said[f"{doing.__name__} {said}"] += 1
        return self.said

    async def attempt(self, work: Callable[[Session], Awaitable[Any]]) -> Any:
        """Whoever has lost each attempt is told so, and has changed nothing."""
        try:
            return await self.database.attempt(work)
        except Raced as lost:
            return lost

    def caller(self) -> Caller:
        return self.dice.choice([HUBDAT, DJKA])

    async def somebody(self, caller: Caller) -> Ref:
        async with self.database.transaction() as session:
            found = await queries.run(
                session,
                "SELECT id FROM registrant WHERE organizer_code = :organizer ORDER BY id DESC LIMIT 40",
                {"organizer": caller.organizer},
            )
            ids = [row.id for row in found]
        return Ref(id=self.dice.choice(ids)) if ids else Ref(nik=nik_of(0))

    async def submit(self) -> Any:
        batch = []
        for number in self.dice.sample(range(PEOPLE), self.dice.choice([1, 1, 8, 20])):
            caller = self.caller()
            home, back = self.dice.choice(self.ways[caller.organizer])
            route, then = self.dice.choice([(home, None), (home, back), (back, None)])
            batch.append(someone(caller, route, number, return_route_id=then))
        return await self.attempt(lambda session: submission.submit(session, self.vault, batch, NOW))

    async def move(self) -> Any:
        caller = self.caller()
        moves = [
            lifecycle.Move(
                caller=caller, ref=await self.somebody(caller), to=to, reason="Permintaan peserta", healthy=True
            )
            for to in self.dice.choices(list(RegistrantStatus)[:3] + [RegistrantStatus.CANCELLED] * 2, k=4)
        ]
        return await self.attempt(lambda session: lifecycle.move(session, self.vault, moves, NOW))

    async def correct(self) -> Any:
        caller = self.caller()
        ref = await self.somebody(caller)
        given = Correction(reason="Salah ketik", nik=nik_of(self.dice.randrange(PEOPLE)), name="Bambang Sutrisno")
        return await self.attempt(lambda s: corrections.correct(s, self.vault, caller, ref, given, NOW))

    async def release(self) -> Any:
        caller = self.caller()
        route = self.dice.choice(self.dice.choice(self.ways[caller.organizer]))
        seats = self.dice.choice([-1, 1, 2])
        return await self.attempt(lambda s: quota_releases.release(s, caller, route, seats, None, NOW))

    async def block_or_lift(self) -> Any:
        nik = nik_of(self.dice.randrange(PEOPLE))
        if self.dice.random() < 0.5:
            return await self.attempt(lambda s: blocks.block(s, self.vault, HUBDAT, nik, "Data palsu", 1, NOW))
        return await self.attempt(lambda s: blocks.lift(s, self.vault, HUBDAT, nik, "Banding", NOW))

    async def erase(self) -> Any:
        ref = await self.somebody(self.caller())
        return await self.attempt(lambda s: erasure.erase(s, self.vault, HUBDAT, ref, "Permintaan peserta", NOW))

    async def decide(self) -> Any:
        async with self.database.transaction() as session:
            open_ones = await cases.page(session, None, after=None, first=20)
        if not open_ones:
            return []
        case, state = self.dice.choice(open_ones), self.dice.choice(["CONFIRMED", "NOT_DUPLICATE", "OPEN"])
        return await self.attempt(lambda s: case_decisions.decide(s, HUBDAT, case.id, state, "Diperiksa", NOW))

    async def sweep(self) -> Any:
        return await sweep.sweep(self.database, NOW + timedelta(days=self.dice.choice([0, 8])))


async def open_offices(database: Database, vault: Vault, ways: Ways, first: int) -> Counter[str]:
    offices = [Office(database, vault, ways, seed) for seed in range(first, first + TASKS)]
    return sum(await asyncio.gather(*(office.work() for office in offices)), Counter())


async def test_everything_at_once(pytestconfig: pytest.Config, world: World, crew: Crew) -> None:
    seed = pytestconfig.getoption("offices_seed")
    ways: Ways = {}
    for caller in (HUBDAT, DJKA):
        organizer = caller.organizer
        await world.policy(organizer, verify_within_days=7, return_same_day=False)
        ways[organizer] = [
            (
                await world.route(f"{organizer} pergi {number}", organizer=organizer, quota=8),
                await world.way_back(f"{organizer} pulang {number}", organizer=organizer, quota=6),
            )
            for number in range(2)
        ]
    # Both register the same people, so there are cases to decide from the beginning.
    await world.submit(
        *(someone(caller, ways[caller.organizer][0][0], n) for caller in (HUBDAT, DJKA) for n in range(6))
    )
    assert await world.one("SELECT count(*) FROM duplicate_case WHERE state = 'OPEN'") == 6
    firsts = [(ways, 1_000 * seed + 100 * number) for number in range(3)]
    said = sum(await crew.run(world.database, open_offices, firsts), Counter())
    await assert_agrees(world)
    # It was not all refused: every kind of change was made by somebody.
    made = {doing.removesuffix(" Accepted").removesuffix(" View") for doing in said}
    assert {"submit", "move", "correct", "erase Erased", "release Route", "decide Case", "sweep Swept"} <= made
    assert await world.one("SELECT count(*) FROM registrant WHERE status = 'FORFEITED'") > 0
