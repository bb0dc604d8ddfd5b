"""When the registry last heard from an organizer: by a token, a file, or a change of one of its clients."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.registry.terms import last_heard
from tests.world import NOW, World

pytestmark = pytest.mark.anyio

CHANGED = """INSERT INTO change (at, kind, season, organizer_code, client_id)
    SELECT CAST(:at AS timestamptz), 'REGISTRANT_MOVED', 2026, :organizer, :client FROM generate_series(1, :times)"""
TOLD = """INSERT INTO client (id, organizer_code, scopes, check_capacity, check_refill, issued_at, last_used_at)
    VALUES (:id, :organizer, '{}', 1, 1, :at, :used)"""
CODES = ("djka", "hubdat", "bumn")


async def heard(world: World) -> dict[str, datetime | None]:
    async with world.database.transaction() as session:
        return dict(zip(CODES, await last_heard.of(session, CODES), strict=True))


async def test_nobody_has_been_heard_yet(world: World) -> None:
    assert set((await heard(world)).values()) == {None}


async def test_a_token_is_heard_and_so_is_a_change_of_its_own_clients(world: World) -> None:
    earlier, later = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    await world.run(TOLD, id="djka-a", organizer="djka", at=earlier, used=earlier)
    await world.run(TOLD, id="hubdat-a", organizer="hubdat", at=earlier, used=None)
    assert await heard(world) == {"djka": earlier, "hubdat": None, "bumn": None}
    # What Hubdat or the registry does to its people tells nothing of the organizer.
    await world.run(CHANGED, at=NOW, organizer="djka", client="hubdat-a", times=1)
    await world.run(CHANGED, at=NOW, organizer="djka", client=None, times=1)
    assert (await heard(world))["djka"] == earlier
    await world.run(CHANGED, at=later, organizer="djka", client="djka-a", times=1)
    assert (await heard(world))["djka"] == later


async def test_a_coordinator_is_heard_for_its_members(world: World) -> None:
    await world.run(TOLD, id="koordinator-a", organizer="hubdat", at=NOW, used=None)
    await world.run("UPDATE organizer SET coordinator_code = 'hubdat' WHERE code = 'djka'")
    await world.run(CHANGED, at=NOW, organizer="djka", client="koordinator-a", times=1)
    assert (await heard(world))["djka"] == NOW
    # Its changes for a member may be hidden behind those of a sweep: the token that it asked for before is not.
    await world.run(CHANGED, at=NOW, organizer="djka", client=None, times=200)
    assert (await heard(world))["djka"] is None
    await world.run("UPDATE client SET last_used_at = :at WHERE id = 'koordinator-a'", at=NOW)
    assert (await heard(world))["djka"] == NOW


async def test_only_the_last_200_changes_are_looked_through(world: World) -> None:
    await world.run(TOLD, id="djka-a", organizer="djka", at=NOW, used=None)
    await world.run(CHANGED, at=NOW, organizer="djka", client="djka-a", times=1)
    await world.run(CHANGED, at=NOW, organizer="djka", client=None, times=199)
    assert (await heard(world))["djka"] == NOW
    await world.run(CHANGED, at=NOW, organizer="djka", client=None, times=1)
    assert (await heard(world))["djka"] is None
