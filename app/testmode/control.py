"""Which test registries there are: one database lists them, with the keys and the clock of each.

It is the database that `PEMUDIK_UJI_DATABASE_URL` names. The databases of the test registries, and the template that
they are made from, are beside it on the same server, and their names begin with its name.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import asyncpg
import orjson

from app import connections, migration
from app.config import Settings
from app.db import AWAY
from app.errors import Unavailable

NAME = "pemudik_uji"
"""Of the database on the embedded server."""
AWAY_AGAIN_SECONDS = 600
"""An outage that a test NIK has caused is over for so long. Then the NIK causes the next one."""
_HOLDS = """
    CREATE TABLE IF NOT EXISTS test_registry (
        organizer text PRIMARY KEY, database text NOT NULL, keys jsonb NOT NULL,
        ahead_seconds double precision NOT NULL DEFAULT 0
    )
"""
LEFT_FOR_SECONDS = 60
"""A database from before a reset stays for so long: requests, and duties of other processes, end meanwhile."""
MOST_LEFT = 20
"""Of an organizer. Each has 11 MB of disk: so a test registry is reset every three seconds at most."""
_LEFT = """
    CREATE TABLE IF NOT EXISTS test_left (database text PRIMARY KEY, since timestamptz NOT NULL DEFAULT now());
    ALTER TABLE test_left ADD COLUMN IF NOT EXISTS organizer text
"""
_LEAVE = """
    INSERT INTO test_left (database, organizer) SELECT database, organizer FROM test_registry WHERE organizer = $1
"""
_FULL = f"""
    SELECT CAST(ceil(extract(epoch FROM since - now())) AS integer) + {LEFT_FOR_SECONDS} FROM test_left
    WHERE organizer = $1 AND since > now() - make_interval(secs => {LEFT_FOR_SECONDS})
    ORDER BY since DESC OFFSET {MOST_LEFT - 1} LIMIT 1
"""
_FORGET = f"DELETE FROM test_left WHERE since <= now() - make_interval(secs => {LEFT_FOR_SECONDS})"
_OUTAGES = """
    CREATE TABLE IF NOT EXISTS test_outage (
        organizer text, nik text, since timestamptz NOT NULL, PRIMARY KEY (organizer, nik)
    )
"""
_OUTAGE = f"""
    INSERT INTO test_outage AS outage (organizer, nik, since) VALUES ($1, $2, now())
    ON CONFLICT (organizer, nik) DO UPDATE SET since = CASE
        WHEN outage.since < now() - make_interval(secs => {AWAY_AGAIN_SECONDS}) THEN now() ELSE outage.since
    END
    RETURNING CAST(extract(epoch FROM now() - since) AS double precision)
"""
_FIND = "SELECT organizer, database, keys, ahead_seconds FROM test_registry WHERE {} = $1"
_SAVE = """
    WITH again AS (DELETE FROM test_outage WHERE organizer = $1)
    INSERT INTO test_registry (organizer, database, keys) VALUES ($1, $2, $3)
    ON CONFLICT (organizer) DO UPDATE SET database = excluded.database, ahead_seconds = 0
"""
"""In a new test registry every outage comes again."""
_MOVE = "UPDATE test_registry SET ahead_seconds = $2 WHERE organizer = $1"
MAKERS = "SELECT pg_advisory_lock(7045445)"
"""The number may be any; it only has to be the same in every process."""
OF_MAKERS = {"application_name": "pemudik", "lock_timeout": "10s"}
_LINES: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
"""A process has one event loop, where makers wait in line before they connect: they are outside of all pools."""
_STRAY = f"""
    SELECT datname FROM pg_database
    WHERE starts_with(datname, current_database() || '_') AND datname <> $1
      AND datname NOT IN (SELECT database FROM test_registry)
      AND datname NOT IN (
          SELECT database FROM test_left WHERE since > now() - make_interval(secs => {LEFT_FOR_SECONDS})
      )
"""
_NO_DATABASE = asyncpg.InvalidCatalogNameError

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class LiveDatabase(Exception):  # noqa: N818 - said to an operator
    """The setting names a database that holds a registry itself."""


@dataclass(frozen=True, slots=True)
class ListedRegistry:
    """A test registry, as it is listed."""

    organizer: str
    database: str
    """Its name. A reset gives another one."""
    keys: Mapping[str, str] = field(repr=False)
    """As `vault.keys.as_variables` writes them."""
    ahead: timedelta
    """Of its clock."""


class Control:
    """A process has one. Its one connection is made when it is first needed, and made anew after a break."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    async def find(self, organizer: str) -> ListedRegistry | None:
        """Raises `Unavailable`."""
        return await self._found("organizer", organizer)

    async def of_database(self, name: str) -> ListedRegistry | None:
        """Raises `Unavailable`."""
        return await self._found("database", name)

    async def full_for(self, organizer: str) -> int:
        """For how many seconds resets have left so many databases that there is no next one. Raises `Unavailable`."""
        try:
            return await self._asked("fetchval", _FULL, organizer) or 0
        except asyncpg.UndefinedColumnError:
            # The list is of before resets were counted, and none was made since.
            return 0

    async def move(self, organizer: str, ahead: timedelta) -> None:
        await self._asked("execute", _MOVE, organizer, ahead.total_seconds())

    async def outage(self, organizer: str, nik: str) -> float:
        """For how many seconds the outage lasts that a test NIK causes, whichever process met the NIK first."""
        seconds: float = await self._asked("fetchval", _OUTAGE, organizer, nik)
        return seconds

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close(timeout=5)

    async def _found(self, column: str, value: str) -> ListedRegistry | None:
        try:
            row = await self._asked("fetchrow", _FIND.format(column), value)
        except (_NO_DATABASE, asyncpg.UndefinedTableError):
            return None
        return None if row is None else _listed(row)

    async def _asked(self, method: str, statement: str, *arguments: object) -> Any:
        async with self._turn:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connections.connect(self.url, {"application_name": "pemudik"})
                return await getattr(self._connection, method)(statement, *arguments)
            except AWAY as error:
                raise Unavailable from error


def _listed(row: asyncpg.Record) -> ListedRegistry:
    return ListedRegistry(row["organizer"], row["database"], row["keys"], timedelta(seconds=row["ahead_seconds"]))


# --- making and dropping ----------------------------------------------------------------------------------------------


class Maker:
    """Makes databases, one maker at a time over all processes. Made by `making`."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.url, self._connection = url, connection

    async def has(self, database: str) -> bool:
        return bool(await self._connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database))

    async def create(self, database: str, template: str | None = None) -> None:
        of = f' TEMPLATE "{template}"' if template else ""
        await self._connection.execute(f'CREATE DATABASE "{database}"{of}')

    async def rename(self, database: str, name: str) -> None:
        await self._connection.execute(f'ALTER DATABASE "{database}" RENAME TO "{name}"')

    async def find(self, organizer: str) -> ListedRegistry | None:
        row = await self._connection.fetchrow(_FIND.format("organizer"), organizer)
        return None if row is None else _listed(row)

    async def save(self, organizer: str, database: str, keys: Mapping[str, str]) -> None:
        await self._connection.execute(_SAVE, organizer, database, orjson.dumps(dict(keys)).decode())

    async def leave(self, organizer: str) -> None:
        """Its database is dropped by and by."""
        await self._connection.execute(_LEAVE, organizer)

    async def drop_strays(self) -> None:
        """What resets left, and what a process that was killed left unfinished; and templates of before."""
        for row in await self._connection.fetch(_STRAY, self.template):
            await self._connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')
        await self._connection.execute(_FORGET)

    @property
    def template(self) -> str:
        """Named after the newest migration, so that a newer program makes a new one."""
        return f"{name_in(self.url)}_template_{migration.newest()}"

    def new_name(self) -> str:
        return f"{name_in(self.url)}_{secrets.token_hex(8)}"


@asynccontextmanager
async def making(url: str) -> AsyncIterator[Maker]:
    """One at a time in a process, and in all. Raises `LiveDatabase`, `Unavailable`, or what asyncpg raises."""
    line = _LINES.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    try:
        async with line, _connected(url) as maker:
            yield maker
    except AWAY as error:
        raise Unavailable from error


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Maker]:
    connection = await _at_the_list(url)
    try:
        await connection.execute(MAKERS)
        if await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
            raise LiveDatabase
        await connection.execute(_HOLDS)
        await connection.execute(_LEFT)
        await connection.execute(_OUTAGES)
        yield Maker(url, connection)
    finally:
        await connection.close(timeout=5)


async def _at_the_list(url: str) -> Connection:
    try:
        return await connections.connect(url, OF_MAKERS)
    except _NO_DATABASE:
        server = await connections.connect(on_same_server(url, "postgres"), OF_MAKERS)
        try:
            await server.execute(f'CREATE DATABASE "{name_in(url)}"')
        except asyncpg.DuplicateDatabaseError:
            pass
        finally:
            await server.close(timeout=5)
        return await connections.connect(url, OF_MAKERS)


def url_of(settings: Settings, live: str) -> str | None:
    """Of the list. None: no setting names it, and the server of the live registry is not ours to make databases on."""
    if settings.uji_database_url is not None:
        return settings.uji_database_url.get_secret_value()
    return None if settings.database_url is not None else on_same_server(live, NAME)


def on_same_server(url: str, database: str) -> str:
    address, question, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{database}{question}{options}"


def list_of(url: str) -> str:
    """The list that has the test registry whose database this is."""
    return on_same_server(url, name_in(url).rpartition("_")[0])


def names_the_same(url: str, other: str) -> bool:
    """Whether two URLs name one database. One that goes by two names is found when a test registry is made."""
    return connections.libpq_url(url).partition("?")[0] == connections.libpq_url(other).partition("?")[0]


def name_in(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
