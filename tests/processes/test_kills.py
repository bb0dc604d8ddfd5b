"""Processes are killed and the disk is full while an organizer goes on: whatever was acknowledged is there, once.

Each of them happens five times in `make nightly`, and once in `make slow`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.config import Settings
from app.db import Database
from app.embedded import postgres
from app.intake.imports.importing import ROWS_OF_A_CHUNK
from app.migration import upgrade
from app.vault.vault import open_vault
from tests import queries, traffic
from tests import world as worlds
from tests.intake.lists import as_csv, row, sent, until, verdicts
from tests.patience import patience
from tests.processes.test_followers import workers
from tests.processes.test_imports import importing_ones
from tests.servers import Place, Server, place_in, port_of_its_own
from tests.traffic import Traffic
from tests.world import HUBDAT, World

pytestmark = pytest.mark.anyio

WORKERS = 2
DISK_BYTES = 400 * 1024 * 1024
"""Of the database: some times what it begins with."""
FIRST_ROW = 600_000
"""People of the file are others than those of the writers."""
AT_ONCE = 5 * traffic.WRITERS
IMPORTER_WAITS = """SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted AND
    pid IN (SELECT pid FROM pg_stat_activity WHERE pg_blocking_pids(pid) && ARRAY(
        SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE 'SELECT FROM route%')))"""
first_numbers = itertools.count(0, 10_000)


@dataclass
class Site:
    place: Place
    world: World
    tokens: dict[str, str]

    @property
    def server(self) -> Server:
        return self.place.servers[-1]


@pytest.fixture
def times(pytestconfig: pytest.Config) -> int:
    return 5 if pytestconfig.getoption("nightly") else 1


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """With an embedded database on a disk of its own, where this system lets us mount one."""
    folder = tmp_path_factory.mktemp("kills")
    disk = folder / "home" / "postgres"
    disk.mkdir(parents=True, mode=0o700)
    mounted = mount(disk)
    try:
        with place_in(folder / "home", demo=False) as place:
            yield place
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", disk], check=True)


def mount(disk: Path) -> bool:
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "pemudik-test", str(disk)]
    return shutil.which("mount") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
async def site(place: Place, anyio_backend: str) -> AsyncIterator[Site]:
    """A season of ours stands there before a server comes, which would else make a demo."""
    vault = open_vault(Settings().model_copy(update={"home": place.home}), create=True)
    with postgres.running(place.home / "postgres") as url:
        database = Database(url)
        await upgrade(database)
        world = await worlds.build(database, vault)
        await world.run("UPDATE season SET ends_on = current_date + 60")
        server = await asyncio.to_thread(serve, place, PORT=str(port_of_its_own()))
        yield Site(place, world, await traffic.tokens(world, [server.url]))
        await database.dispose()


def serve(place: Place, **more: str) -> Server:
    return place.serve("--workers", str(WORKERS), PEMUDIK_LOG_LEVEL="warning", **more)


@asynccontextmanager
async def an_organizer_who_loses_nothing(site: Site, name: str) -> AsyncIterator[Traffic]:
    await site.world.route(name, departs_at=None, quota=100_000)
    route = str(site.world.routes[name])
    async with traffic.flowing(site.tokens, route, next(first_numbers), lost=httpx.TransportError) as flow:
        yield flow
        await flow.written(AT_ONCE)
    assert flow.journal.unforeseen == []
    await traffic.each_is_there_once(site.world, flow.journal, name)


# --- what is killed ---------------------------------------------------------------------------------------------------


async def kill_the_server(site: Site) -> None:
    """With its workers. Somebody starts another one, on the same port."""
    killed = site.server
    os.killpg(killed.process.pid, signal.SIGKILL)
    await asyncio.to_thread(killed.process.wait)
    await asyncio.to_thread(serve, site.place, PORT=killed.url.rpartition(":")[2])


async def kill_a_worker(site: Site) -> None:
    elder, *_ = before = workers(site.server)
    os.kill(elder, signal.SIGKILL)
    await so(lambda: elder not in (now := workers(site.server)) and len(now) == len(before))


async def kill_postgres(site: Site) -> None:
    before = site.place.postgres
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    await so(lambda: site.place.postgres not in {None, before})


KILLS: dict[str, Callable[[Site], Awaitable[None]]] = {
    "the server": kill_the_server,
    "a worker": kill_a_worker,
    "PostgreSQL": kill_postgres,
}


@pytest.mark.parametrize("what", KILLS)
async def test_what_is_killed_costs_nothing_that_was_acknowledged(site: Site, what: str, times: int) -> None:
    async with an_organizer_who_loses_nothing(site, what) as flow:
        for _ in range(times):
            await KILLS[what](site)
            await flow.written(AT_ONCE)


async def test_an_import_goes_on_whose_process_is_killed(site: Site, times: int) -> None:
    """Each time in the middle of a part of its file, whose people go to a route of their own."""
    routes = [f"Impor {number}" for number in range(times)]
    for name in routes:
        await site.world.route(name, departs_at=None)
    people = [
        row(FIRST_ROW + number, rute_perjalanan=routes[number // ROWS_OF_A_CHUNK])
        for number in range(times * ROWS_OF_A_CHUNK)
    ]
    async with an_organizer_who_loses_nothing(site, "an import's process"):
        held = await hold(site.world, routes[0])
        job = await sent(site.world, HUBDAT, as_csv(people))
        for following in [*routes[1:], None]:
            await kill_who_waits(site)
            before, held = held, await hold(site.world, following)
            await before.aclose()
        await held.aclose()
        await until(site.world, "finished_at IS NOT NULL")
    assert await verdicts(site.world, job) == [(number, "NEW", None) for number in range(2, len(people) + 2)]
    assert [await site.world.taken(name) for name in routes] == [ROWS_OF_A_CHUNK] * times


async def hold(world: World, route: str | None) -> AsyncExitStack:
    """Whoever registers people for the route waits until the stack is closed."""
    stack = AsyncExitStack()
    if route is not None:
        session = await stack.enter_async_context(world.database.transaction())
        await queries.run(session, "SELECT FROM route WHERE id = :id FOR UPDATE", {"id": world.routes[route]})
    return stack


async def kill_who_waits(site: Site) -> None:
    """The import's process, when it waits for a route that is held."""
    async with patience():
        while not await site.world.one(IMPORTER_WAITS):  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.05)
    for _, pid in importing_ones([site.server]):
        os.kill(pid, signal.SIGKILL)
    # Nobody waits ten seconds for the lease of a dead process.
    await site.world.run("UPDATE import_job SET lease_until = now() WHERE finished_at IS NULL")


# --- a full disk ------------------------------------------------------------------------------------------------------


async def test_a_full_disk_costs_nothing_that_was_acknowledged(site: Site, times: int) -> None:
    """Whoever registers is told to come back, and it goes on when there is room."""
    disk = site.place.home / "postgres"
    if not disk.is_mount():
        pytest.skip("no disk can be mounted here, and this machine's own one is not to be filled")
    async with an_organizer_who_loses_nothing(site, "a full disk") as flow:
        for _ in range(times):
            refused = flow.journal.refused.total()
            balloon = fill(disk)
            await so(lambda before=refused: flow.journal.refused.total() >= before + AT_ONCE)  # type: ignore[misc]
            balloon.unlink()
            await flow.written(AT_ONCE)


def fill(disk: Path) -> Path:
    """A file that takes all that is left, while others write there too."""
    balloon = disk / "balloon"
    with balloon.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(64 * 1024)):
            pass
    return balloon


async def so(true: Callable[[], object]) -> None:
    async with patience():
        while not true():  # noqa: ASYNC110 - other processes make it so
            await asyncio.sleep(0.05)
