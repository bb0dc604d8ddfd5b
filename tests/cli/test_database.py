from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import migration
from app.config import Settings
from app.db import Database
from app.registry import host_clock
from app.registry.host_clock import ClockReading
from app.vault.vault import open_vault
from tests.cli.conftest import Pemudik
from tests.databases import own_database
from tests.world import HUBDAT, NOW, build, someone


def test_migrating_twice_says_where_it_is(pemudik: Pemudik, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_database(database_url) as blank:
        monkeypatch.setenv("DATABASE_URL", blank)
        first, second = pemudik("migrate"), pemudik("migrate")
    assert first.output == second.output == f"The database is at {migration.newest()}, the newest migration.\n"


def test_sweeping_an_empty_registry_does_nothing(pemudik: Pemudik) -> None:
    assert pemudik("sweep").output == "0 forfeited, 0 marked as no-show, 0 seasons purged.\n"
    assert json.loads(pemudik("sweep", "--json").output) == {
        "forfeited": 0,
        "halted": [],
        "no_shows": 0,
        "prolonged": 0,
        "seasons_purged": 0,
    }


def test_the_demo_is_made_once(pemudik: Pemudik) -> None:
    first = pemudik("demo").output
    assert first.startswith("Season 20")
    assert "registrants" in first
    assert pemudik("demo").output.endswith("is there already; its windows are open.\n")
    again = json.loads(pemudik("demo", "--json").output)
    assert (again["registrants"], len(again["organizers"])) == (0, 11)
    # What is sealed is sealed anew by a rotation, and opened by the new key.
    assert pemudik("keys", "rotate").output.endswith("records were sealed anew; everything is under data key 2.\n")
    assert "good   sealed data" in pemudik("doctor").output


def test_a_sweep_that_halts_says_so_and_hubdats_word_lets_it_go_on(
    pemudik: Pemudik, database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    vault = open_vault(Settings().model_copy(update={"home": home}))

    async def crowd() -> None:
        world = await build(database, vault)
        route = await world.route()
        await world.submit(*(someone(HUBDAT, route, number) for number in range(101)))
        await database.dispose()

    asyncio.run(crowd())
    monkeypatch.setattr("app.clock.now", lambda: NOW + timedelta(days=8))
    monkeypatch.setattr(host_clock, "read", unread)
    said = pemudik("sweep", code=1).output.splitlines()
    assert said[:2] == [
        "0 forfeited, 0 marked as no-show, 0 seasons purged.",
        "Too many are due at once, and wait for `pemudik allow-sweep`:",
    ]
    assert said[3].split()[:4] == ["hubdat", "FORFEITED", "101", "101"]
    until = " ".join(said[3].split()[4:6])
    assert json.loads(pemudik("sweep", "--json", code=1).output)["halted"][0]["people"] == 101
    found = pemudik("doctor", code=1).output
    assert (
        "WRONG  sweep       It halts, since too many would end at once: hubdat, 101 FORFEITED of 101 holders" in found
    )
    word = ("allow-sweep", "hubdat", "Sudah diperiksa", "--ends", "FORFEITED", "--until")
    assert "INVALID_VALUE" in pemudik(*word, "2100-01-01T00:00", code=1).output
    assert pemudik(*word, until).output == "The next sweep ends up to 101 of hubdat: FORFEITED.\n"
    assert pemudik("sweep").output == "101 forfeited, 0 marked as no-show, 0 seasons purged.\n"
    assert "good   sweep       It halts for nobody." in pemudik("doctor").output
    assert "NOT_FOUND" in pemudik(*word, until, code=1).output


async def unread(_: Database) -> ClockReading:
    """The clock of the database stays where the test has put it."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return ClockReading(at, at, at)
