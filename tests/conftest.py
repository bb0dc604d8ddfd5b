"""A real PostgreSQL for every test: migrated once, real commits, emptied after each test.

A database of its own, on an embedded server or on the one that PEMUDIK_TEST_DATABASE_URL names.
"""

from __future__ import annotations

# The first import: it watches the use cases that the others import.
from tests import refusals  # isort: skip

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

import app.models  # noqa: F401 - fills the metadata
from app import migration
from app.config import CHECKOUT
from app.db import Database
from app.embedded import postgres
from app.vault.keys import Keys, new_signing_key
from app.vault.vault import Vault


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(refusals)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    with server_for_tests() as server, own_database(server) as url:
        asyncio.run(migrate(url))
        yield url


@contextmanager
def server_for_tests() -> Iterator[str]:
    """One cluster for all runs in this checkout, so that one which a killed run left behind is taken over."""
    given = os.environ.get("PEMUDIK_TEST_DATABASE_URL")
    if given:
        yield given
        return
    folder = CHECKOUT / ".pemudik" / "test"
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres.running(folder, durable=False))
        except postgres.EmbeddedFailed:
            # It does not survive a power failure, and need not.
            shutil.rmtree(folder, ignore_errors=True)
            url = stack.enter_context(postgres.running(folder, durable=False))
        yield url


@contextmanager
def own_database(server: str) -> Iterator[str]:
    name = f"pemudik_test_{secrets.token_hex(6)}"
    asyncio.run(execute(server, f"CREATE DATABASE {name}"))
    try:
        yield named(server, name)
    finally:
        asyncio.run(execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


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
    database = Database(url)
    await migration.upgrade(database.engine)
    await database.dispose()


@pytest.fixture
async def database(database_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    """Also for tests that are not async themselves, which is why it names the backend."""
    database = Database(database_url)
    yield database
    await empty(database)
    await database.dispose()


async def empty(database: Database) -> None:
    tables = ", ".join(f'"{table.name}"' for table in SQLModel.metadata.sorted_tables)
    async with database.transaction() as session:
        await session.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))


@pytest.fixture(scope="session")
def vault() -> Vault:
    return Vault(Keys(index=b"i" * 32, data={1: b"d" * 32}, signing=(new_signing_key(),)))


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Processes that share the work must find the same tests: a long text, such as a key, is called by its place."""
    return argname if isinstance(val, str) and len(val) > 60 else None
