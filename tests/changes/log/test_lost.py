"""A standby takes over that lacks the last changes: other changes come to their places, and nobody skips any of them.

The standby is a copy of the stopped primary's files: like a standby that was promoted, it has all transactions up to
some moment and counts on from there.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from app.changes.log import cursors, feed
from app.changes.log.feed import START, FeedPage, Gone
from app.db import Database
from app.embedded import postgres
from app.vault.vault import Vault
from tests.changes.conftest import settled, tell
from tests.databases import migrate
from tests.world import HUBDAT, NOW, World, build, someone

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
LOST, NEW = 30, 60


@asynccontextmanager
async def served(folder: Path, vault: Vault) -> AsyncIterator[World]:
    with postgres.running(folder) as url:
        database = Database(url, pool_size=2)
        yield World(database, vault)
        await database.dispose()


async def page(world: World, cursor: str | None) -> FeedPage:
    after = START if cursor is None else cursors.position(cursor)
    async with world.database.transaction() as session:
        return await feed.page(session, None, after, most=1_000)


def reasons(page: FeedPage) -> list[str | None]:
    return [item.change.reason for item in page.items]


async def told(world: World, one: UUID, *words: str, minutes: int) -> list[str]:
    """A transaction for each of the changes. Answers all cursors of the log."""
    for word in words:
        await tell(world, one, word, at=NOW + minutes * MINUTE)
    await settled(world)
    return [cursors.cursor(item.change.position) for item in (await page(world, None)).items]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def copied(folder: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", folder, to], check=True)


async def test_a_standby_that_lacks_changes_takes_over(folder: Path, vault: Vault) -> None:
    new = [f"new {number}" for number in range(NEW)]
    with postgres.running(folder / "primary") as url:
        await migrate(url)
    async with served(folder / "primary", vault) as world:
        await build(world.database, vault)
        one = (await world.registered(someone(HUBDAT, await world.route()))).id
        kept = await told(world, one, "shared", minutes=1)
    copied(folder / "primary", folder / "standby")
    async with served(folder / "primary", vault) as world:
        lost = (await told(world, one, *(f"lost {number}" for number in range(LOST)), minutes=5))[len(kept) :]
        assert len(lost) == LOST
        empty = cursors.cursor((await page(world, lost[-1])).end)
    async with served(folder / "standby", vault) as world:
        # Before the new changes have come so far, and while they pass the places of the lost ones.
        for told_by_now in (0, LOST // 2, NEW):
            await told(world, one, *new[len(reasons(await page(world, kept[-1]))) : told_by_now], minutes=20)
            for cursor in (lost[0], lost[-1], empty):
                with pytest.raises(Gone) as gone:
                    await page(world, cursor)
                async with world.database.transaction() as session:
                    shared = await cursors.last_shared(session, gone.value.position)
                assert cursors.cursor(shared) == kept[-1]
                assert reasons(await page(world, cursors.cursor(shared))) == new[:told_by_now]
        last = (await page(world, kept[-1])).items[-1].change.position
        assert last > cursors.position(lost[-1]), "the new changes have not passed the places of the lost ones"
        for cursor in kept:
            assert reasons(await page(world, cursor))[-NEW:] == new
