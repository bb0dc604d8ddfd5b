"""`pemudik reopen`: ends are taken back by route, booking or cause, as `reopenRegistrants` does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.config import Settings
from app.db import Database
from app.models.enums import RegistrantStatus
from app.registry.undo import bulk
from app.vault.vault import open_vault
from tests import world as worlds
from tests.cli.conftest import Pemudik
from tests.world import HUBDAT, NOW, World, someone

CANCELLED = ("--status", "CANCELLED", "--since", "2026-03-02T09:00", "--until", "2026-03-02T10:00")
REASON = "Gangguan sistem"


@pytest.fixture
def world(pemudik: Pemudik, database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three of one booking, on a route of three seats, were cancelled; one of the seats has somebody else."""
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    monkeypatch.setattr(bulk, "MOST_TOGETHER", 2)

    async def made() -> World:
        world = await worlds.build(database, open_vault(Settings().model_copy(update={"home": home})))
        route = await world.route(quota=3)
        for number in (1, 2, 3):
            one = await world.registered(someone(HUBDAT, route, number, reference="BK-1"))
            await world.moved(one.id, RegistrantStatus.CANCELLED)
        await world.registered(someone(HUBDAT, route, 4))
        await database.dispose()
        return world

    return asyncio.run(made())


def seen(world: World, work: Awaitable[Any]) -> Any:
    async def run() -> Any:
        found = await work
        await world.database.dispose()
        return found

    return asyncio.run(run())


def statuses(world: World) -> list[str]:
    found = seen(world, world.run("SELECT status FROM registrant ORDER BY id"))
    return [one.status for one in found]


def test_a_dry_run_says_what_would_be(pemudik: Pemudik, world: World) -> None:
    said = pemudik("reopen", REASON, "--organizer", "hubdat", "--booking", "BK-1", "--dry-run").output
    assert said == "3 would be reopened, 0 would be refused.\n"
    assert statuses(world) == ["CANCELLED"] * 3 + ["REGISTERED"]


@pytest.mark.parametrize("how", ["route", "booking", "cause"])
def test_who_fits_is_reopened_and_who_does_not_is_named(pemudik: Pemudik, world: World, how: str) -> None:
    """In pages of two: the third finds the route full."""
    asked = {
        "route": ("--route", str(world.routes["Jakarta - Solo"])),
        "booking": ("--organizer", "hubdat", "--booking", "BK-1"),
        "cause": (*CANCELLED, "--client", "hubdat-test"),
    }[how]
    said = json.loads(pemudik("reopen", REASON, *asked, "--json", code=1).output)
    assert statuses(world) == ["REGISTERED", "REGISTERED", "CANCELLED", "REGISTERED"]
    [refused] = said.pop("refused")
    assert said == {"dryRun": False, "reopened": 2}
    assert (refused["code"], refused["message"]) == (
        "QUOTA_FULL",
        ("This route's quota is full; 0 remaining; the registration can be reopened once its route has a free seat."),
    )
    reasons = seen(world, world.run("SELECT DISTINCT client_id, reason FROM change WHERE from_status = 'CANCELLED'"))
    assert [tuple(one) for one in reasons] == [(None, REASON)]
    again = pemudik("reopen", REASON, *asked, code=1).output.splitlines()
    assert again[0] == "0 reopened, 1 refused."
    assert again[2].split()[:2] == [refused["registrant"], "QUOTA_FULL"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ((), "Name a route, a booking code or a cause. (INVALID_VALUE)"),
        (("--booking", "BK-1"), "A booking code needs its organizer. (INVALID_VALUE)"),
        (("--route", str(UUID(int=7))), "There is no such route. See the query routes. (ROUTE_UNKNOWN)"),
        (("--status", "CANCELLED"), "A cause is --status, --since and --until together."),
        (("--by-registry",), "A cause is --status, --since and --until together."),
        ((*CANCELLED, "--client", "x"), "The client was not found; check what you sent. (NOT_FOUND)"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(
    pemudik: Pemudik, world: World, asked: tuple[str, ...], message: str
) -> None:
    assert pemudik("reopen", REASON, *asked, code=1).output.startswith(f"pemudik: {message}")
    assert statuses(world) == ["CANCELLED"] * 3 + ["REGISTERED"]
