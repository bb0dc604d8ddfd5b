"""Two servers and the processes they start: a job goes on wherever it was cut off, and no row is taken in twice."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest

from app.intake.imports import import_process, importing
from app.registry.imports import jobs
from app.vault import keys
from app.vault.vault import Vault
from tests import queries
from tests.concurrency.crowd import one_waits
from tests.intake.lists import as_csv, row, sent, until, verdicts
from tests.patience import patience
from tests.servers import Place, Server, place_in
from tests.world import HUBDAT, World

pytestmark = pytest.mark.anyio

AT_FIRST = importing.ROWS_OF_A_CHUNK
"""Rows of the first part, on a route of their own."""
ROWS = AT_FIRST + 500
LAST_ROUTE = "Jakarta - Yogya"
NICEST = 19


@pytest.fixture(scope="module")
def database_url(servers_url: str) -> str:
    """Also of the world of each test: these servers work off what waits there, and nothing else."""
    return servers_url


@pytest.fixture(scope="module")
def place(servers_url: str, tmp_path_factory: pytest.TempPathFactory, vault: Vault) -> Iterator[Place]:
    """With the keys of the tests' vault."""
    home = tmp_path_factory.mktemp("imports") / "home"
    home.mkdir()
    keys.write_key_file(home / "keys.json", vault.keys)
    with place_in(home, servers_url, demo=False) as place:
        yield place
        for server in running(place):
            assert server.end() == 0
        said = "".join(one.said for one in place.servers)
        # Digits of a NIK. Four of them may stand in a timestamp.
        assert re.search(r"3201\d{8}", said) is None
        assert "Warga" not in said


def running(place: Place) -> list[Server]:
    return [server for server in place.servers if server.process.poll() is None]


@pytest.fixture
async def world(world: World) -> World:
    """As servers find it by the clock of today."""
    await world.run("UPDATE season SET ends_on = current_date + 60")
    await world.route(departs_at=None)
    await world.route(LAST_ROUTE, departs_at=None)
    return world


@pytest.fixture
def servers(world: World, place: Place) -> list[Server]:
    """Two that run. A server takes seconds to start: whichever a test leaves serves the next one, in a world anew."""
    while len(running(place)) < 2:
        place.serve()
    return running(place)


@pytest.fixture
def server(world: World, place: Place) -> Server:
    """The only one that runs."""
    server, *others = running(place) or [place.serve()]
    for other in others:
        assert other.end() == 0
    return server


def a_long_list() -> bytes:
    return as_csv(
        row(number) if number <= AT_FIRST else row(number, rute_perjalanan=LAST_ROUTE) for number in range(1, ROWS + 1)
    )


@asynccontextmanager
async def held_up_halfway(world: World) -> AsyncIterator[None]:
    """The first part of the list is taken in, and the next one waits for its route until this is left."""
    async with world.database.transaction() as session:
        await queries.run(session, "SELECT FROM route WHERE id = :id FOR UPDATE", {"id": world.routes[LAST_ROUTE]})
        await until(world, f"rows_done = {AT_FIRST}")
        await one_waits(world)
        yield


async def each_row_once(world: World, job: jobs.Job) -> None:
    assert [one.state for one in await world.run("SELECT state FROM import_job")] == ["DONE"]
    assert await verdicts(world, job) == [(number, "NEW", None) for number in range(2, ROWS + 2)]
    assert await world.one("SELECT results FROM import_job") == {"NEW": ROWS}
    assert await world.count("registrant") == ROWS
    assert [await world.taken(name) for name in world.routes] == [AT_FIRST, ROWS - AT_FIRST]
    # The people of the file are neighbours, as if somebody walked: an alarm may have been raised meanwhile.
    counted = "SELECT kind, count(*) FROM change WHERE kind <> 'NIK_ALARM_RAISED' GROUP BY kind ORDER BY kind"
    kinds = await world.run(counted)
    assert [tuple(one) for one in kinds] == [("IMPORT_FINISHED", 1), ("REGISTRANT_MOVED", ROWS)]


def nice_of(server: Server) -> int:
    nice: int = psutil.Process(server.process.pid).nice()
    return nice


def importing_ones(servers: list[Server]) -> list[tuple[Server, int]]:
    """Processes that import, or are about to look for a job, and whose they are."""
    return [
        (server, one.pid)
        for server in servers
        for one in psutil.Process(server.process.pid).children(recursive=True)
        if "app.intake.imports.import_process" in command_of(one)
    ]


def command_of(process: psutil.Process) -> list[str]:
    """None of a process that has ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        words: list[str] = process.cmdline()
        return words
    return []


async def who_works(servers: list[Server]) -> tuple[Server, int]:
    """The server whose process works the job off. That of the other one finds no job, and ends."""
    async with patience():
        while len(found := importing_ones(servers)) != 1:  # noqa: ASYNC110 - nothing tells of another process's end
            await asyncio.sleep(0.05)
    return found[0]


async def gone(pid: int) -> None:
    async with patience():
        with suppress(psutil.NoSuchProcess):
            while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - nothing tells of its end
                await asyncio.sleep(0.02)


async def test_one_of_them_works_a_job_off(world: World, servers: list[Server]) -> None:
    job = await sent(world, HUBDAT, a_long_list())
    await until(world, "finished_at IS NOT NULL")
    assert await world.one("SELECT attempts FROM import_job") == 1
    await each_row_once(world, job)


@pytest.mark.parametrize("whole", [False, True], ids=["its process alone", "the server"])
async def test_what_is_killed_in_mid_import_is_gone_on_with(world: World, servers: list[Server], whole: bool) -> None:
    job = await sent(world, HUBDAT, a_long_list())
    async with held_up_halfway(world):
        server, worker = await who_works(servers)
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
    await until(world, "finished_at IS NOT NULL")
    assert await world.one("SELECT attempts FROM import_job") == 1
    await each_row_once(world, job)


async def test_a_server_that_is_stopped_leaves_its_job_to_the_next_one(
    world: World, place: Place, server: Server
) -> None:
    job = await sent(world, HUBDAT, a_long_list())
    async with held_up_halfway(world):
        assert await asyncio.to_thread(server.end, signal.SIGTERM) == 0
    [left] = await world.run("SELECT state, lease_until < now(), rows_done FROM import_job")
    assert tuple(left) == ("RUNNING", True, AT_FIRST)
    place.serve()
    await until(world, "finished_at IS NOT NULL")
    await each_row_once(world, job)
