"""Alembic's environment: migrates over an async engine, with one lock for all migrators."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

import app.models.tables  # noqa: F401 - fills the metadata
from app.config import Settings
from app.db import Database
from app.migration import connected

# Two servers that start together migrate one after the other.
MIGRATION_LOCK = 7_045_441


def migrate(connection: Connection) -> None:
    months = set(connection.execute(text("SELECT relname FROM pg_class WHERE relispartition")).scalars())
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_server_default=True,
        # The months of a log are made and dropped as time goes by: the models know the whole.
        include_object=lambda _, name, kind, *__: not (kind == "table" and name in months),
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        # A migration that waits for a lock makes everybody behind it wait: give up instead, and say so.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        context.run_migrations()


async def main(url: str) -> None:
    async with connected(Database(url)) as connection:
        await connection.run_sync(migrate)


connection = context.config.attributes.get("connection")
if connection is not None:
    migrate(connection)
else:
    url = Settings().database_url
    if url is None:
        raise SystemExit("Set DATABASE_URL, or use `pemudik migrate`, which knows the embedded database.")
    asyncio.run(main(url.get_secret_value()))
