"""A real PostgreSQL for every test: migrated once, real commits, emptied after each test.

An embedded one in a folder of its own, or a database of its own on the server that PEMUDIK_TEST_DATABASE_URL names.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

import app.models  # noqa: F401 - fills the metadata
from app import embedded, migration
from app.db import Database
from app.keys import Keys, new_signing_key
from app.vault import Vault


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = os.environ.get("PEMUDIK_TEST_DATABASE_URL")
    folder = tmp_path_factory.mktemp("postgres")
    with own_database(server) if server else embedded.running(folder, durable=False) as url:
        asyncio.run(migrate(url))
        yield url


@contextmanager
def own_database(server: str) -> Iterator[str]:
    name = f"pemudik_test_{secrets.token_hex(6)}"
    asyncio.run(execute(server, f"CREATE DATABASE {name}"))
    address, question, options = server.partition("?")
    try:
        yield f"{address.rpartition('/')[0]}/{name}{question}{options}"
    finally:
        asyncio.run(execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


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
async def database(database_url: str) -> AsyncIterator[Database]:
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
