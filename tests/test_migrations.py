import pytest
from sqlalchemy import text

from app import migration
from app.db import Database

pytestmark = pytest.mark.anyio


async def test_the_database_is_at_the_newest_migration(database: Database) -> None:
    current, head = await migration.revisions(database.engine)
    assert current == head


async def test_upgrading_again_changes_nothing(database: Database) -> None:
    await migration.upgrade(database.engine)
    current, head = await migration.revisions(database.engine)
    assert current == head


async def test_emptying_between_tests_leaves_no_row(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO season (year, ends_on) VALUES (2026, '2026-04-01')"))
        assert await session.scalar(text("SELECT count(*) FROM season")) == 1
