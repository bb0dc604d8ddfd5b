"""Brings a database to the newest migration, and tells how far it is. So that its log goes on after a restore, too.

While a version is rolled out, servers of the version before go on with a database that is ahead of them. Servers of
which migrations may go on is written in the database by whoever migrates it: a server of before cannot know.

Servers ask how far it is. Alembic and SQLAlchemy take half a second to import, and 30 MB: only `upgrade` imports them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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


class _WrittenRevision(NamedTuple):
    current: str
    serves_from: str | None


_IS_MIGRATED = statement("SELECT to_regclass('alembic_version') IS NOT NULL", bool)
_LEVEL = statement(
    """
    SELECT version_num AS current, obj_description(CAST('alembic_version' AS regclass), 'pg_class') AS serves_from
    FROM alembic_version
    """,
    _WrittenRevision,
)
SERVES_FROM = "0042"
"""Servers of this migration and of later ones go on with a database at the newest one. Whoever takes away what they
need (contract) raises it to the newest migration of the last release.
"""
_IS_REVISION = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Level:
    """How far a database is."""

    current: str | None
    """None: it is empty."""
    serves_from: str | None = None
    """Servers of which migrations may go on with it. None: it does not say, so only those of its own migration."""

    @property
    def is_served(self) -> bool:
        """Whether servers of this version may go on with it."""
        return self.current == newest() or (self.is_ahead and str(self.serves_from) <= newest())

    @property
    def is_ahead(self) -> bool:
        """Whether a newer version has migrated it."""
        given = (self.current, self.serves_from)
        return all(one is not None and _IS_REVISION.fullmatch(one) for one in given) and str(self.current) > newest()

    @property
    def is_foreign(self) -> bool:
        return not (self.current is None or self.current in every() or self.is_ahead)


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

    if (await level(database)).is_ahead:
        return
    async with connected(database) as connection:
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))
        await connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{SERVES_FROM}'")
    async with database.transaction() as session:
        await restored.adopt(session)
        await grants.renew(session)


async def is_restored(database: Database) -> bool:
    """Whether the data came from another cluster, and `upgrade` has not been run since."""
    async with database.transaction() as session:
        return await restored.is_restored(session)


async def level(database: Database) -> Level:
    async with database.transaction() as session:
        if not await session.one(_IS_MIGRATED):
            return Level(None)
        found = await session.first(_LEVEL)
        return Level(None) if found is None else Level(*found)


def newest() -> str:
    return every()[-1]


@cache
def every() -> tuple[str, ...]:
    """All revisions, the oldest first. The name of a migration begins with its revision, and is one of four digits."""
    return tuple(sorted(file.name.partition("_")[0] for file in (FOLDER / "versions").glob("[0-9]*.py")))
