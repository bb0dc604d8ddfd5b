"""Brings a database to the newest migration, and tells how far it is. So that its log goes on after a restore, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from app.changes.log import restored
from app.connections import CONNECT_WITHIN_SECONDS, driver_url
from app.db import SESSION, Database
from app.operating import grants
from app.sql import statement

_BESIDE = Path(__file__).resolve().parent
FOLDER = next(path for path in (_BESIDE / "_migrations", _BESIDE.parent / "migrations") if path.exists())

_IS_MIGRATED = statement("SELECT to_regclass('alembic_version') IS NOT NULL", bool)
_REVISION = statement("SELECT version_num FROM alembic_version", str)


def config(connection: Connection | None = None) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration


@asynccontextmanager
async def connected(database: Database) -> AsyncIterator[AsyncConnection]:
    """A transaction for alembic, which knows SQLAlchemy alone."""
    settings = {"server_settings": SESSION, "timeout": CONNECT_WITHIN_SECONDS}
    engine = create_async_engine(
        driver_url(database.url), poolclass=NullPool, hide_parameters=True, connect_args=settings
    )
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


async def upgrade(database: Database) -> None:
    async with connected(database) as connection:
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))
    async with database.transaction() as session:
        await restored.adopt(session)
        await grants.renew(session)


async def is_restored(database: Database) -> bool:
    """Whether the data came from another cluster, and `upgrade` has not been run since."""
    async with database.transaction() as session:
        return await restored.is_restored(session)


async def revisions(database: Database) -> tuple[str | None, str]:
    """The database's revision, and the newest one there is."""
    async with database.transaction() as session:
        if not await session.one(_IS_MIGRATED):
            return None, newest()
        return await session.first(_REVISION), newest()


def is_ours(revision: str) -> bool:
    return any(one.revision == revision for one in ScriptDirectory.from_config(config()).walk_revisions())


@cache
def newest() -> str:
    head = ScriptDirectory.from_config(config()).get_current_head()
    assert head is not None  # noqa: S101 - there is at least one migration
    return head
