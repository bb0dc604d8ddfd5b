"""A backup that is restored into another cluster, whose transactions count from another number: the log goes on."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest

from app.changes.log import cursors, feed
from app.changes.log.feed import START, FeedPage, Gone, Position
from app.config import Settings
from app.db import Database
from app.embedded import postgres
from app.models.enums import RegistrantStatus
from app.vault.vault import open_vault
from tests.changes.seals.ground import MINUTE, sealed
from tests.cli.conftest import Pemudik
from tests.patience import patience
from tests.world import HUBDAT, NOW, World, build, someone

Result = TypeVar("Result")

LATER = timedelta(minutes=5)

FAR_AHEAD = """
    DO $$ BEGIN FOR i IN 1..3000 LOOP
        BEGIN UPDATE season SET ends_on = ends_on; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL;
        END;
    END LOOP; END $$
"""
"""Each of them takes a number."""


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[str]:
    tmp_path.chmod(0o755)
    with postgres.running(tmp_path / "new server", durable=False) as url:
        yield url


def call(program: str, *words: str) -> None:
    subprocess.run([postgres.binaries() / program, *words], check=True, capture_output=True, env={**os.environ})


def at(url: str, home: Path, work: Callable[[World], Awaitable[Result]]) -> Result:
    """What `work` answers, in the world of the database at `url`."""

    async def run() -> Result:
        database = Database(url)
        try:
            return await work(World(database, open_vault(Settings().model_copy(update={"home": home}))))
        finally:
            await database.dispose()

    return asyncio.run(run())


async def page(world: World, after: Position = START) -> FeedPage:
    """Once it is settled, whatever else runs on that server."""
    async with patience():
        while True:
            async with world.database.transaction() as session:
                found = await feed.page(session, ["hubdat"], after, most=100)
            if not found.held_back:
                return found
            await asyncio.sleep(0.01)


async def live_here(world: World) -> tuple[UUID, Position]:
    """Somebody registered and verified, and the cursor between the two."""
    world = await build(world.database, world.vault)
    await world.run(FAR_AHEAD)
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.moved(one.id, RegistrantStatus.VERIFIED)
    await sealed(world)
    return one.id, (await page(world)).items[0].change.position


async def what_is_lost(world: World) -> Position:
    """The cursor of something that happened after the dump."""
    await world.registered(someone(HUBDAT, await world.route("Jakarta - Malang"), 3), NOW + LATER)
    return (await page(world)).items[-1].change.position


def test_what_was_restored_is_adopted(
    pemudik: Pemudik,
    database_url: str,
    new_server: str,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, cursor = at(database_url, home, live_here)
    dump = tmp_path / "dump"
    assert pemudik("backup", str(dump)).output.endswith(" bytes. The keys are not in it.\n")
    assert dump.stat().st_mode & 0o777 == 0o600
    assert f"{dump} is there already" in pemudik("backup", str(dump), code=1).output
    lost = at(database_url, home, what_is_lost)
    call("pg_restore", "--no-owner", f"--dbname={new_server}", str(dump))

    monkeypatch.setenv("DATABASE_URL", new_server)
    said = pemudik("doctor", code=1).output
    assert "WRONG  change log  It was restored from another database server." in said
    assert "Run `pemudik migrate` before anything is written" in said
    said = pemudik("sweep", code=1).output
    assert "The data was restored from another database server: run `pemudik migrate` first." in said
    pemudik("migrate")
    before = pemudik("log", "verify").stdout
    assert [line.split()[:6] for line in before.splitlines()[1:]] == [
        ["changes", "1", "2", "0", "0", "0"],
        ["access", "1", "1", "0", "0", "0"],
        ["reads", "0", "0", "0", "0", "0"],
    ]
    assert "good   change log  What comes follows on what it holds." in pemudik("doctor").output

    async def read(world: World) -> Position:
        assert [item.change.to_status for item in (await page(world)).items] == ["REGISTERED", "VERIFIED"]
        rest = await page(world, cursor)
        assert [item.change.to_status for item in rest.items] == ["VERIFIED"]
        return rest.items[0].change.position

    async def live_on(world: World) -> int:
        await world.registered(someone(HUBDAT, await world.route("Jakarta - Yogyakarta"), 2), NOW + 2 * LATER)
        await world.moved(one, RegistrantStatus.CANCELLED, now=NOW + 2 * LATER)
        await sealed(world, NOW + MINUTE)
        shift: int = await world.one("SELECT log_shift()")
        return shift

    async def read_on(world: World) -> int:
        for after, statuses in (
            (START, ["REGISTERED", "VERIFIED", "REGISTERED", "CANCELLED"]),
            (last, ["REGISTERED", "CANCELLED"]),
        ):
            assert [item.change.to_status for item in (await page(world, after)).items] == statuses
        return int(await world.one("SELECT log_shift()"))

    async def read_from_what_is_lost(world: World) -> None:
        """Others' changes are at the places of those that the dump had not got."""
        with pytest.raises(Gone):
            await page(world, lost)
        async with world.database.transaction() as session:
            assert await cursors.last_shared(session, lost) == last

    last = at(new_server, home, read)
    shift = at(new_server, home, live_on)
    assert shift > 2000
    assert [line.split()[:6] for line in pemudik("log", "verify").stdout.splitlines()[1:]] == [
        ["changes", "2", "5", "0", "0", "0"],
        ["access", "2", "2", "0", "0", "0"],
        ["reads", "0", "0", "0", "0", "0"],
    ]
    pemudik("migrate")
    assert at(new_server, home, read_on) == shift
    # The keys are kept apart, and belong to the data.
    (home / "keys.json").rename(home / "kept apart.json")
    pemudik("keys", "create")
    assert "WRONG  sealed data" in pemudik("doctor", code=1).output
    (home / "kept apart.json").rename(home / "keys.json")
    assert "good   sealed data" in pemudik("doctor").output
    at(new_server, home, read_from_what_is_lost)
