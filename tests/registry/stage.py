"""The stage for random lives: a season with three organizers, unlike in their policies, and few seats."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from app.db import Database, Session
from app.vault.vault import Vault
from tests import world as worlds
from tests.databases import empty
from tests.registry.registrants.model import Terms, Way
from tests.world import NOW, World

Answer = TypeVar("Answer")

TERMS = {
    "hubdat": Terms(verify_days=7, same_day=True),
    "djka": Terms(closes_after=6, enforces_window=False),
    "dishub-dki": Terms(verify_days=2, blocks=False, needs_outbound=False, closes_after=10, grace_minutes=30),
}
JAKARTA, SOLO, YOGYA = "Kota Jakarta Timur", "Kota Surakarta", "Kota Yogyakarta"
WAYS = (
    Way("Solo", "hubdat", "MUDIK", "PASSENGER", JAKARTA, SOLO, quota=2),
    Way("Yogya", "hubdat", "MUDIK", "PASSENGER", JAKARTA, YOGYA),
    Way("dari Solo", "hubdat", "BALIK", "PASSENGER", SOLO, JAKARTA, quota=1),
    Way("dari Yogya", "hubdat", "BALIK", "PASSENGER", YOGYA, JAKARTA),
    Way("motor Solo", "hubdat", "MUDIK", "MOTORCYCLE", JAKARTA, SOLO),
    Way("motor Yogya", "djka", "MUDIK", "MOTORCYCLE", JAKARTA, YOGYA, quota=1),
    Way("motor dari Yogya", "djka", "BALIK", "MOTORCYCLE", YOGYA, JAKARTA),
    Way("KA Yogya", "djka", "MUDIK", "PASSENGER", JAKARTA, YOGYA),
    Way("DKI ke Solo", "dishub-dki", "MUDIK", "PASSENGER", JAKARTA, SOLO, quota=1),
    Way("DKI dari Solo", "dishub-dki", "BALIK", "PASSENGER", SOLO, JAKARTA),
    Way("DKI dari Yogya", "dishub-dki", "BALIK", "PASSENGER", YOGYA, JAKARTA),
)
LIMITED = [way for way in WAYS if way.quota is not None]
TERMINALS = {
    ("hubdat", SOLO): "tirtonadi",
    ("dishub-dki", SOLO): "solo-balapan",
}


@dataclass
class Stage:
    """The real registry, driven from outside its event loop."""

    runner: asyncio.Runner
    world: World

    def run(self, work: Callable[[Session], Awaitable[Answer]]) -> Answer:
        return self.runner.run(self.world.database.attempt(work))

    async def season(self) -> None:
        """Built once: what each life changes is in the tables that `clear` empties."""
        await worlds.build(self.world.database, self.world.vault)
        for organizer, terms in TERMS.items():
            closes_at = None if terms.closes_after is None else NOW + timedelta(days=terms.closes_after)
            await self.world.window(organizer, NOW - timedelta(days=29), closes_at)
            await self.world.policy(
                organizer,
                verify_within_days=terms.verify_days,
                block_when_forfeited=terms.blocks,
                return_requires_outbound=terms.needs_outbound,
                return_same_day=terms.same_day,
                enforce_window=terms.enforces_window,
                no_show_after_minutes=terms.grace_minutes,
            )
        for way in WAYS:
            await self.world.route(
                way.name,
                organizer=way.organizer,
                direction=way.direction,
                service=way.service,
                origin=terminal(way, way.origin),
                destination=terminal(way, way.destination),
                quota=way.quota,
            )

    async def clear(self) -> None:
        await self.world.run(
            "TRUNCATE registrant, change, nik_block, duplicate_case, case_claim, quota_release, nik_access CASCADE"
        )
        await self.world.run(
            """UPDATE route SET taken = 0, quota = given.quota
               FROM unnest(CAST(:names AS text[]), CAST(:quotas AS int[])) AS given (name, quota)
               WHERE route.name = given.name""",
            names=[way.name for way in WAYS],
            quotas=[way.quota for way in WAYS],
        )


@contextmanager
def built(database_url: str, vault: Vault) -> Iterator[Stage]:
    """In an event loop of its own: hypothesis runs no tests that are async."""
    with asyncio.Runner() as runner:
        database = Database(database_url)
        stage = Stage(runner, World(database, vault))
        runner.run(stage.season())
        yield stage
        runner.run(empty(database))
        runner.run(database.dispose())


def terminal(way: Way, city: str) -> str:
    places = {JAKARTA: "pulo-gebang", SOLO: "tirtonadi", YOGYA: "giwangan"}
    return TERMINALS.get((way.organizer, city), places[city])
