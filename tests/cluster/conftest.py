"""A cluster that two servers of ours work on. It is made once for the file; each test leaves it whole."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import asyncpg
import pytest

from app.config import Settings
from app.db import Database
from app.vault.vault import Vault, open_vault
from tests import traffic
from tests import world as worlds
from tests.cluster import patroni, room
from tests.cluster.room import POSTGRES_PORT, Room
from tests.databases import grant, migrate
from tests.servers import Place, Server, place_in
from tests.world import World

SERVERS = 2
ROLES = (
    f"CREATE ROLE pemudik_owner LOGIN PASSWORD '{room.PASSWORD}'",
    f"CREATE ROLE pemudik_server LOGIN PASSWORD '{room.PASSWORD}'",
    'CREATE DATABASE "pemudik" OWNER "pemudik_owner"',
    'GRANT pg_read_all_stats TO "pemudik_server"',
)
"""As docs/operations.md says."""


@dataclass
class Site:
    """Where the registry runs."""

    room: Room
    place: Place
    world: World
    tokens: dict[str, str] = field(repr=False)
    """By the address of the server that gave it."""

    @property
    def servers(self) -> list[Server]:
        return self.place.servers


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Short, since the path of a socket has at most 107 bytes."""
    if (reason := patroni.missing()) is not None:
        pytest.skip(reason)
    made = Path(mkdtemp(prefix="pemudik-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
async def cluster(folder: Path, anyio_backend: str) -> AsyncIterator[Room]:
    async with room.opened(folder) as cluster:
        leader = await cluster.leader()
        superuser = await asyncpg.connect(
            host=str(leader.folder), port=POSTGRES_PORT, user="postgres", password=room.PASSWORD, database="postgres"
        )
        for statement in ROLES:
            await superuser.execute(statement)
        await superuser.close()
        await asyncio.to_thread(asyncio.run, prepared(cluster.url("pemudik_owner")))
        yield cluster


async def prepared(owners: str) -> None:
    await migrate(owners)
    await grant(owners, "pemudik_server")


@pytest.fixture(scope="module")
def place(cluster: Room, folder: Path) -> Iterator[Place]:
    home = folder / "home"
    open_vault(Settings().model_copy(update={"home": home}), create=True)
    with place_in(home, cluster.url("pemudik_server"), demo=False) as place:
        yield place


@pytest.fixture(scope="module")
async def site(cluster: Room, place: Place, anyio_backend: str) -> AsyncIterator[Site]:
    database = Database(cluster.url("pemudik_owner"), pool_size=2)
    world = await worlds.build(database, vault_of(place))
    await world.run("UPDATE season SET ends_on = current_date + 60")
    for _ in range(SERVERS):
        await asyncio.to_thread(place.serve, PEMUDIK_LOG_LEVEL="warning")
    yield Site(cluster, place, world, await traffic.tokens(world, [server.url for server in place.servers]))
    await database.dispose()


def vault_of(place: Place) -> Vault:
    return open_vault(Settings().model_copy(update={"home": place.home}))
