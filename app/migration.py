"""Brings a database to the newest migration, and tells how far it is. So that its log goes on after a restore, too.

Servers ask how far it is. Alembic and SQLAlchemy take half a second to import, and 30 MB: only `upgrade` imports them.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import connections
from app.changes.log import restored
from app.db import SESSION, Database
from app.operating import grants
from app.sql import statement

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

_BESIDE = Path(__file__).resolve().parent
FOLDER = next(path for path in (_BESIDE / "_migrations", _BESIDE.parent / "migrations") if path.exists())

_IS_MIGRATED = statement("SELECT to_regclass('alembic_version') IS NOT NULL", bool)
_REVISION = statement("SELECT version_num FROM alembic_version", str)


def config(connection: Connection | None = None) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see above

    # Alembic's own default is what stdout was when alembic was imported.
    configuration = Config(stdout=sys.stdout)
    configuration.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration


@asynccontextmanager
async def connected(database: Database) -> AsyncIterator[AsyncConnection]:
    """A transaction for alembic, which knows SQLAlchemy alone."""
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - see above
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        hide_parameters=True,
        async_creator=partial(connections.connect, database.url, SESSION),
    )
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


async def upgrade(database: Database) -> None:
    from alembic import command  # noqa: PLC0415 - see above

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
    return revision in every()


def newest() -> str:
    return every()[-1]


@cache
def every() -> tuple[str, ...]:
    """All revisions, the oldest first. The name of a migration begins with its revision, and is one of four digits."""
    return tuple(sorted(file.name.partition("_")[0] for file in (FOLDER / "versions").glob("[0-9]*.py")))
