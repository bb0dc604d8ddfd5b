"""Brings a database to the newest migration, and tells how far it is. So that its log goes on after a restore, too."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from app.changes.log import restored
from app.db import Session
from app.operating import grants

_BESIDE = Path(__file__).resolve().parent
FOLDER = next(path for path in (_BESIDE / "_migrations", _BESIDE.parent / "migrations") if path.exists())


def config(connection: Connection | None = None) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration


async def upgrade(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))
    async with Session(engine) as session, session.begin():
        await restored.adopt(session)
        await grants.renew(session)


async def is_restored(engine: AsyncEngine) -> bool:
    """Whether the data came from another cluster, and `upgrade` has not been run since."""
    async with Session(engine) as session:
        return await restored.is_restored(session)


async def revisions(engine: AsyncEngine) -> tuple[str | None, str]:
    """The database's revision, and the newest one there is."""
    async with engine.connect() as connection:
        current = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    return current, newest()


def is_ours(revision: str) -> bool:
    return any(one.revision == revision for one in ScriptDirectory.from_config(config()).walk_revisions())


@cache
def newest() -> str:
    head = ScriptDirectory.from_config(config()).get_current_head()
    assert head is not None  # noqa: S101 - there is at least one migration
    return head
