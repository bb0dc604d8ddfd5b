"""The migrations lead to the tables, there and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app import migration
from app.db import Database
from tests import queries
from tests.databases import own_database

pytestmark = pytest.mark.anyio

OBJECTS = """
    SELECT relkind::text, relname::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname = 'public' AND relname NOT LIKE 'alembic_version%'
    UNION ALL SELECT 'f', proname::text FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
        WHERE nspname = 'public'
    UNION ALL SELECT 't', tgname::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'y', typname::text FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace
        WHERE nspname = 'public' AND typtype IN ('e', 'd')
    ORDER BY 1, 2
    """


@pytest.fixture
def blank_url(database_url: str) -> Iterator[str]:
    with own_database(database_url) as url:
        yield url


@pytest.fixture
async def blank(blank_url: str) -> AsyncIterator[Database]:
    """A database without any table."""
    database = Database(blank_url)
    yield database
    await database.dispose()


async def objects(database: Database) -> list[tuple[str, str]]:
    async with database.transaction() as session:
        return [(row[0], row[1]) for row in await queries.run(session, OBJECTS)]


async def run(database: Database, *steps: tuple[str, str]) -> None:
    def go(connection: Connection) -> None:
        for name, revision in steps:
            getattr(command, name)(migration.config(connection), revision)

    async with migration.connected(database) as connection:
        await connection.run_sync(go)


async def test_there_is_one_head() -> None:
    assert ScriptDirectory.from_config(migration.config()).get_heads() == [migration.newest()]


async def test_upgrading_again_changes_nothing(database: Database) -> None:
    before = await objects(database)
    await migration.upgrade(database)
    assert await objects(database) == before
    assert await migration.revisions(database) == (migration.newest(), migration.newest())


async def test_the_tables_are_what_the_models_say(database: Database) -> None:
    """`alembic check`: raises if a migration is missing."""
    async with migration.connected(database) as connection:
        await connection.run_sync(lambda sync: command.check(migration.config(sync)))


async def test_down_and_up_again_is_the_same(blank: Database) -> None:
    assert await migration.revisions(blank) == (None, migration.newest())
    await run(blank, ("upgrade", "head"))
    built = await objects(blank)
    assert len(built) > 50
    await run(blank, ("downgrade", "base"))
    assert await objects(blank) == []
    await run(blank, ("upgrade", "head"))
    assert await objects(blank) == built


async def test_every_migration_goes_down_and_up_again(blank: Database) -> None:
    for script in reversed(list(ScriptDirectory.from_config(migration.config()).walk_revisions())):
        await run(blank, ("upgrade", script.revision), ("downgrade", "-1"), ("upgrade", script.revision))
    assert await migration.revisions(blank) == (migration.newest(), migration.newest())


async def test_routes_and_terminals_are_given_the_keys_of_their_names(blank: Database) -> None:
    """And a merged route goes with the columns that knew it."""
    await run(blank, ("upgrade", "0004"))
    async with blank.transaction() as session:
        for statement in (
            "INSERT INTO season (year, ends_on) VALUES (2026, '2026-04-30')",
            "INSERT INTO organizer (code, name, schemes) VALUES ('hubdat', 'Hubdat', '{}')",
            """INSERT INTO terminal (code, name, city, city_key, kind)
               VALUES ('a', 'Terminal Pulo Gebang', 'Jaktim', 'x', 'TERMINAL'), ('b', 'Solo', 'Solo', 'x', 'PORT')""",
            """INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code,
                                  destination_code)
               SELECT gen_random_uuid(), 2026, 'hubdat', name, 'MUDIK', 'PASSENGER', 'BUS', 'a', 'b'
               FROM unnest(ARRAY['JAKARTA–SOLO', 'Jakarta - Solo']) AS name""",
        ):
            await queries.run(session, statement)
    await run(blank, ("upgrade", "0005"))
    keys = "SELECT name_key FROM terminal UNION ALL SELECT name_key FROM route ORDER BY 1"
    async with blank.transaction() as session:
        found = list(await queries.column(session, keys))
        await queries.run(
            session,
            """UPDATE route SET provisional = true, merged_into = (SELECT id FROM route WHERE name LIKE 'Jak%')
                   WHERE name LIKE 'JAK%'""",
        )
    assert found == ["jakartasurakarta", "jakartasurakarta", "pulogebang", "surakarta"]
    await run(blank, ("downgrade", "0004"))
    async with blank.transaction() as session:
        assert list(await queries.column(session, "SELECT name FROM route")) == ["Jakarta - Solo"]


async def test_migrations_are_found_beside_the_program() -> None:
    assert (migration.FOLDER / "env.py").exists()
    assert Path(migration.config().get_main_option("script_location") or "") == migration.FOLDER
