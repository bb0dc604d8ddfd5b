"""Databases for tests, on an embedded server of this checkout or on the one that PEMUDIK_TEST_DATABASE_URL names.

Migrations run once: the embedded server keeps the migrated database as a template, until a migration changes.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlmodel import SQLModel

import app.models.tables  # noqa: F401 - fills the metadata
from app.config import CHECKOUT
from app.db import ATTEMPTS, Database, Followers
from app.embedded import postgres

GIVEN = "PEMUDIK_TEST_DATABASE_URL"
FOLDER = CHECKOUT / ".pemudik" / "-".join(filter(None, ["test", os.environ.get("PYTEST_XDIST_WORKER")]))
"""Each process of the suite has a server of its own. A transaction holds back the feed of every database of its server:
tests of another process would decide what a test reads.
"""
MIGRATIONS = CHECKOUT / "migrations"
TEMPLATES = "pemudik_template_"

SMALL_BYTES = 128 * 1024
TABLES = [table.name for table in SQLModel.metadata.sorted_tables]

_UNCHECKED = """
    DO $$ BEGIN
        IF current_setting('is_superuser') = 'on' THEN SET session_replication_role = replica; END IF;
    END $$
"""
"""Neither foreign keys nor triggers are looked at. Only a superuser may say so."""
_IS_UNCHECKED = "current_setting('session_replication_role') = 'replica'"
_LOCK = f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE;"
"""It waits for whoever still writes."""
_TRUNCATE = f"TRUNCATE {', '.join(TABLES)};"
# TRUNCATE makes new files for each table and each index, which takes ten times as long as to delete a few rows. But
# deleted rows stay in their files: a table that has grown is truncated.
_EMPTY = f"""
    CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        {_LOCK}
        IF {_IS_UNCHECKED} AND {SMALL_BYTES} >= (
            SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace
        ) THEN
            {" ".join(f"DELETE FROM {table};" for table in TABLES)}
        ELSE
            {_TRUNCATE}
        END IF;
        PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL;
    END $$
"""
_IS_DIFFERENT = "EXISTS ((TABLE {0} EXCEPT ALL TABLE kept.{0}) UNION ALL (TABLE kept.{0} EXCEPT ALL TABLE {0}))"
# Sequences go on: a number of the change log is not given twice.
_FILL = "INSERT INTO {0} OVERRIDING SYSTEM VALUE TABLE kept.{0};"
_PUT_BACK = f"IF {_IS_DIFFERENT} THEN DELETE FROM {{0}}; {_FILL} END IF;"
_MADE = {"nik_allowance": "DELETE FROM nik_allowance;"}
"""By a trigger, which makes an allowance with each organizer."""
_KEEP = f"""
    CREATE SCHEMA kept;
    {" ".join(f"CREATE TABLE kept.{table} AS TABLE {table};" for table in TABLES)}
    CREATE FUNCTION kept.put_back() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        {_LOCK}
        IF {_IS_UNCHECKED} THEN
            {" ".join(_PUT_BACK.format(table) for table in TABLES)}
        ELSE
            {_TRUNCATE}
            {" ".join(f"{_MADE.get(table, '')} {_FILL.format(table)}" for table in TABLES)}
        END IF;
    END $$
"""


class Cleaner:
    """A connection that empties tables, or puts their rows back, and does nothing else.

    It leaves foreign keys unchecked for as long as it lives: to change that would have all its statements planned anew.
    For the same reason what it does are functions, whose statements are planned once. Tests end connections, this one
    too: then there is another one.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def empty(self) -> None:
        await self._do("SELECT pg_temp.empty()")

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Until this is left, `put_back` brings all tables back to what they are now."""
        await self._do(_KEEP)
        yield
        await self._do("DROP SCHEMA kept CASCADE")

    async def put_back(self) -> None:
        await self._do("SELECT kept.put_back()")

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _do(self, statements: str) -> None:
        """Again after a deadlock: servers that go on meanwhile may hold what it waits for."""
        for _ in range(ATTEMPTS - 1):
            with suppress(asyncpg.DeadlockDetectedError, asyncpg.PostgresConnectionError):
                await (await self._connected()).execute(statements)
                return
        await (await self._connected()).execute(statements)

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self.url)
            await self._connection.execute(_UNCHECKED)
            await self._connection.execute(_EMPTY)
        return self._connection


@asynccontextmanager
async def cleaner_of(url: str) -> AsyncIterator[Cleaner]:
    cleaner = Cleaner(url)
    yield cleaner
    await cleaner.close()


@contextmanager
def migrated_database(server: str) -> Iterator[str]:
    """The URL of an empty database with all tables, which nobody else uses."""
    if server_is_given():
        with own_database(server) as url:
            asyncio.run(migrate(url))
            yield url
        return
    with own_database(server, template_on(server)) as url:
        yield url


def server_is_given() -> bool:
    return GIVEN in os.environ


@contextmanager
def server_for_tests(folder: Path = FOLDER) -> Iterator[str]:
    """The same cluster in each run in this checkout, so that one which a killed run left behind is taken over."""
    if server_is_given():
        yield os.environ[GIVEN]
        return
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres.running(folder, durable=False))
        except postgres.EmbeddedFailed:
            # It does not survive a power failure, and need not.
            shutil.rmtree(folder, ignore_errors=True)
            url = stack.enter_context(postgres.running(folder, durable=False))
        yield url


@contextmanager
def own_database(server: str, template: str = "template1") -> Iterator[str]:
    name = f"pemudik_test_{secrets.token_hex(6)}"
    asyncio.run(execute(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield named(server, name)
    finally:
        asyncio.run(execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def list_of_test_registries(server: str, *, has_template: bool = False) -> Iterator[str]:
    """The URL of a database that lists test registries. They all are dropped in the end.

    It `has_template` where the tests are not about how the first test registry is made, which takes ten seconds.
    """
    name = f"pemudik_test_uji_{secrets.token_hex(4)}"
    if has_template and not server_is_given():
        asyncio.run(make_template_of_test_registries(server, name))
    yield named(server, name)
    for one in asyncio.run(names(server, name)):
        asyncio.run(execute(server, f'DROP DATABASE "{one}" WITH (FORCE)'))


async def make_template_of_test_registries(server: str, name: str) -> None:
    from app import migration
    from app.testmode.making import OF_TEST_DATABASES

    template = f"{name}_template_{migration.newest()}"
    await execute(server, f"CREATE DATABASE {template} TEMPLATE {await asyncio.to_thread(template_on, server)}")
    await execute(named(server, template), OF_TEST_DATABASES)


def template_on(server: str) -> str:
    """The name of a migrated database. Processes that start together make one, and templates of before are dropped."""
    wanted = f"{TEMPLATES}{digest_of_migrations()}"
    with (FOLDER / "template").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (there := sorted(asyncio.run(names(server, TEMPLATES)))) != [wanted]:
            for name in there:
                asyncio.run(execute(server, f"DROP DATABASE {name} WITH (FORCE)"))
            asyncio.run(make_template(server, wanted))
    return wanted


async def make_template(server: str, name: str) -> None:
    """Under another name first: a database with the name of a template is a finished one."""
    unfinished = f"{TEMPLATES}unfinished"
    await execute(server, f"CREATE DATABASE {unfinished}")
    await migrate(named(server, unfinished))
    await execute(server, f"ALTER DATABASE {unfinished} RENAME TO {name}")


async def names(server: str, beginning: str) -> list[str]:
    """Of the databases whose names begin so."""
    connection = await asyncpg.connect(server)
    try:
        found = await connection.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", beginning)
    finally:
        await connection.close()
    return [row["datname"] for row in found]


def digest_of_migrations() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(MIGRATIONS).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def named(server: str, database: str) -> str:
    address, question, options = server.partition("?")
    return f"{address.rpartition('/')[0]}/{database}{question}{options}"


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def migrate(url: str) -> None:
    # Alembic takes a third of a second to import.
    from app import migration

    database = Database(url)
    await migration.upgrade(database)
    await database.dispose()


@contextmanager
def as_a_server(owners: str) -> Iterator[str]:
    """The URL for servers of a database: of a role that may change neither tables nor what stands in the logs.

    Where the tests' own role may make no other one, what needs it is not tried.
    """
    name, password = f"pemudik_test_{secrets.token_hex(4)}", secrets.token_hex(8)
    try:
        asyncio.run(execute(owners, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'"))
    except asyncpg.InsufficientPrivilegeError:
        pytest.skip("the tests' role may make no other role")
    try:
        asyncio.run(grant(owners, name))
        there = urlsplit(owners)
        yield there._replace(netloc=f"{name}:{password}@{there.hostname}:{there.port}").geturl()
    finally:
        asyncio.run(execute(owners, f"DROP OWNED BY {name}; DROP ROLE {name}"))


async def grant(owners: str, role: str) -> None:
    from app.operating import grants

    database = Database(owners, pool_size=1)
    try:
        async with database.transaction() as session:
            await grants.grant(session, role)
    finally:
        await database.dispose()


async def empty(database: Database) -> None:
    async with cleaner_of(database.url) as cleaner:
        await cleaner.empty()


@asynccontextmanager
async def emptied(database: Database, cleaner: Cleaner | None = None) -> AsyncIterator[None]:
    """For one of the tests that share connections: nobody follows its changes yet. `cleaner` saves a connection."""
    database.followers = Followers()
    yield
    await (empty(database) if cleaner is None else cleaner.empty())
