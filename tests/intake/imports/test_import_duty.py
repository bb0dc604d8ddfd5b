"""Servers and the processes they start: a job goes on wherever it was cut off, and no row is taken in twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.config import Settings
from app.errors import Unavailable
from app.intake.imports import import_duty, import_process, importing
from app.registry.imports import jobs
from app.registry.imports.job_runs import LeaseLost
from app.vault import keys
from app.vault.vault import Vault
from tests.concurrency.crowd import one_waits
from tests.intake.lists import as_csv, row, sent, verdicts
from tests.patience import patience
from tests.servers import Place, Server, place_in
from tests.world import DJKA, HUBDAT, World

pytestmark = pytest.mark.anyio

AT_FIRST = importing.ROWS_OF_A_CHUNK
"""Rows of the first part, on a route of their own."""
ROWS = AT_FIRST + 500
LAST_ROUTE = "Jakarta - Yogya"
NICEST = 19


@pytest.fixture
def home(tmp_path: Path, vault: Vault) -> Path:
    """With the keys of the tests' vault."""
    home = tmp_path / "home"
    home.mkdir()
    keys.write_key_file(home / "keys.json", vault.keys)
    return home


@pytest.fixture
def settings(home: Path, database_url: str) -> Settings:
    return Settings().model_copy(update={"home": home, "database_url": SecretStr(database_url)})


@pytest.fixture
def place(home: Path) -> Iterator[Place]:
    with place_in(home) as place:
        yield place


@pytest.fixture
async def world(world: World) -> World:
    """As servers find it by the clock of today."""
    await world.run("UPDATE season SET ends_on = current_date + 60")
    await world.route(departs_at=None)
    await world.route(LAST_ROUTE, departs_at=None)
    return world


def a_long_list() -> bytes:
    return as_csv(
        row(number) if number <= AT_FIRST else row(number, rute_perjalanan=LAST_ROUTE) for number in range(1, ROWS + 1)
    )


@asynccontextmanager
async def held_up_halfway(world: World) -> AsyncIterator[None]:
    """The first part of the list is taken in, and the next one waits for its route until this is left."""
    async with world.database.transaction() as session:
        await session.execute(text("SELECT FROM route WHERE id = :id FOR UPDATE"), {"id": world.routes[LAST_ROUTE]})
        await until(world, f"rows_done = {AT_FIRST}")
        await one_waits(world)
        yield


async def until(world: World, condition: str) -> None:
    async with patience():
        while not await world.one(f"SELECT EXISTS (SELECT FROM import_job WHERE {condition})"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def each_row_once(world: World, job: jobs.Job) -> None:
    assert [one.state for one in await world.run("SELECT state FROM import_job")] == ["DONE"]
    assert await verdicts(world, job) == [(number, "NEW", None) for number in range(2, ROWS + 2)]
    assert await world.one("SELECT results FROM import_job") == {"NEW": ROWS}
    assert await world.count("registrant") == ROWS
    assert [await world.taken(name) for name in world.routes] == [AT_FIRST, ROWS - AT_FIRST]
    kinds = await world.run("SELECT kind, count(*) FROM change GROUP BY kind ORDER BY kind")
    assert [tuple(one) for one in kinds] == [("IMPORT_FINISHED", 1), ("REGISTRANT_MOVED", ROWS)]


def nice_of(server: Server) -> int:
    nice: int = psutil.Process(server.process.pid).nice()
    return nice


def worker_of(server: Server) -> int:
    [process] = [
        one
        for one in psutil.Process(server.process.pid).children(recursive=True)
        if "app.intake.imports.import_process" in one.cmdline()
    ]
    pid: int = process.pid
    return pid


async def gone(pid: int) -> None:
    async with patience():
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("whole", [True, False], ids=["the server", "its process alone"])
async def test_what_is_killed_in_mid_import_is_gone_on_with(
    world: World, place: Place, database_url: str, whole: bool
) -> None:
    job = await sent(world, HUBDAT, a_long_list())
    server = place.serve(DATABASE_URL=database_url)
    async with held_up_halfway(world):
        worker = worker_of(server)
        # Of a server that is as nice as one can be, it is no nicer.
        assert psutil.Process(worker).nice() == min(NICEST, nice_of(server) + import_process.NICENESS)
        # The supervisor first: it would replace its worker.
        for pid in [server.process.pid, psutil.Process(worker).ppid()] if whole else [worker]:
            os.kill(pid, signal.SIGKILL)
        await gone(worker)
    [left] = await world.run("SELECT state, rows_done FROM import_job")
    assert tuple(left) == ("RUNNING", AT_FIRST)
    # Nobody waits for the lease of a dead process to run out: that takes ten seconds.
    await world.run("UPDATE import_job SET lease_until = now()")
    if whole:
        server.process.wait()
        server = place.serve(DATABASE_URL=database_url)
    await until(world, "finished_at IS NOT NULL")
    assert await world.one("SELECT attempts FROM import_job") == 1
    await each_row_once(world, job)
    assert server.end() == 0
    assert "3201" not in "".join(one.said for one in place.servers)
    assert "Warga" not in "".join(one.said for one in place.servers)


async def test_a_server_that_is_stopped_leaves_its_job_to_the_next_one(
    world: World, place: Place, database_url: str
) -> None:
    job = await sent(world, HUBDAT, a_long_list())
    server = place.serve(DATABASE_URL=database_url)
    async with held_up_halfway(world):
        assert await asyncio.to_thread(server.end, signal.SIGTERM) == 0
    [left] = await world.run("SELECT state, lease_until < now(), rows_done FROM import_job")
    assert tuple(left) == ("RUNNING", True, AT_FIRST)
    place.serve(DATABASE_URL=database_url)
    await until(world, "finished_at IS NOT NULL")
    await each_row_once(world, job)


async def test_of_two_servers_one_works_a_job_off(world: World, place: Place, database_url: str) -> None:
    first, second = (place.serve(DATABASE_URL=database_url) for _ in range(2))
    job = await sent(world, HUBDAT, a_long_list())
    await until(world, "finished_at IS NOT NULL")
    assert await world.one("SELECT attempts FROM import_job") == 1
    await each_row_once(world, job)
    assert [first.end(), second.end()] == [0, 0]


# --- within this process ----------------------------------------------------------------------------------------------


async def kept(world: World, settings: Settings, condition: str) -> None:
    """The duty runs until `condition`."""
    stop = asyncio.Event()
    duty = asyncio.create_task(import_duty.run(world.database, settings, stop))
    await until(world, condition)
    stop.set()
    async with patience():
        await duty


async def test_a_server_works_off_what_waits_and_wipes_what_is_old(world: World, settings: Settings) -> None:
    await sent(world, HUBDAT, as_csv([row(1)]))
    await kept(world, settings, "state = 'DONE'")
    assert await world.count("registrant") == 1
    await world.run("UPDATE import_job SET finished_at = '2026-01-01'")
    await sent(world, DJKA, b"%PDF")
    await kept(world, settings, "state = 'FAILED'")
    wiped = await world.run("SELECT state, wiped_at IS NOT NULL FROM import_job ORDER BY id")
    assert [tuple(one) for one in wiped] == [("DONE", True), ("FAILED", False)]


async def test_a_database_that_is_away_is_looked_at_again(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_duty, "LOOK_EVERY_SECONDS", 0.01)
    waiting, away = import_duty.waiting, [True, True]

    async def waiting_when_there(*given: Any) -> bool:
        if away:
            away.pop()
            raise Unavailable
        return await waiting(*given)

    monkeypatch.setattr(import_duty, "waiting", waiting_when_there)
    await sent(world, HUBDAT, as_csv([row(1)]))
    await kept(world, settings, "state = 'DONE'")
    assert away == []


async def test_a_process_that_cannot_work_is_told_of(
    world: World, settings: Settings, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "keys.json").unlink()
    await import_duty.one_process(settings, asyncio.Event())
    assert "import.process_failed" in capsys.readouterr().out


async def test_a_process_that_does_not_end_is_ended(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_duty, "COMMAND", ("-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(import_duty, "END_WITHIN_SECONDS", 0.05)
    stop = asyncio.Event()
    stop.set()
    await import_duty.one_process(settings, stop)


async def test_one_process_does_one_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await import_process.one_job(world.database, world.vault)
    await sent(world, HUBDAT, as_csv([row(1)]))
    await import_process.one_job(world.database, world.vault)
    assert await world.one("SELECT state FROM import_job") == "DONE"

    await sent(world, HUBDAT, as_csv([row(2)]))
    begun = asyncio.Event()

    async def endless(*_: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    async def taken_over(*_: Any) -> Any:
        raise LeaseLost

    monkeypatch.setattr(importing, "work_off", endless)
    task = asyncio.create_task(import_process.one_job(world.database, world.vault))
    await begun.wait()
    task.cancel()
    await task
    assert await world.one("SELECT attempts FROM import_job WHERE state = 'RUNNING'") == 0
    monkeypatch.setattr(importing, "work_off", taken_over)
    await world.run("UPDATE import_job SET lease_until = '2026-01-01' WHERE state = 'RUNNING'")
    await import_process.one_job(world.database, world.vault)
    assert await world.count("registrant") == 1
