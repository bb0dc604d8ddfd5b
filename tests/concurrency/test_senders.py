"""Processes that send to webhooks are killed (SIGKILL) at random: every event arrives, in order, none is made up."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter

import orjson
import pytest

from app import clock
from app.config import CHECKOUT
from app.registry import change_log
from tests.changes.sending import Post, filled, forfeited, no_show
from tests.changes.webhooks.test_sender import PENDING, check_against_the_log, expected_of, unreliable
from tests.patience import patience
from tests.receivers import receiving
from tests.world import DKI, World

pytestmark = pytest.mark.anyio

REGISTRANTS = 20
KILLS = 2


async def start(world: World, url: str) -> Process:
    keys = world.vault.keys
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.concurrency.sending", stdin=PIPE, stdout=PIPE, cwd=CHECKOUT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(orjson.dumps({"url": url, "index": keys.index.hex(), "data": keys.data[1].hex()}) + b"\n")
    await process.stdin.drain()
    assert await process.stdout.readline() == b"sends\n"
    return process


async def end(process: Process) -> None:
    process.kill()
    await process.wait()


async def test_killed_senders_lose_nothing_and_mix_nothing_up(world: World, database_url: str) -> None:
    post, chance = Post(world), random.Random(7)  # noqa: S311 - a test's dice
    happened = asyncio.Event()

    async def happen() -> None:
        for number in range(1, REGISTRANTS + 1):
            for organizer, base in (("djka", 0), ("dishub-dki", 1000)):
                entries = [forfeited(base + number, organizer), filled(base + number % 7, organizer)]
                for entry in (*entries, no_show(base + number, organizer)):
                    async with world.database.transaction() as session:
                        await change_log.append(session, [entry], clock.now())
        happened.set()

    async with receiving() as first, receiving() as second:
        first.says, second.says = unreliable(chance, 0.15), unreliable(chance, 0.15)
        await post.hook(url=first.url())
        await post.hook(DKI, second.url())
        senders = [await start(world, database_url) for _ in range(2)]
        happening = asyncio.create_task(happen())
        try:
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(0.2, 0.5))
                await end(senders.pop(0))
                senders.append(await start(world, database_url))
            await happening
            await post.announce(clock.now())
            async with patience():
                while await world.one(PENDING):  # noqa: ASYNC110 - other processes are at it
                    await asyncio.sleep(0.05)
        finally:
            happening.cancel()
            for process in senders:
                await end(process)
        expected = await expected_of(world)
        check_against_the_log(first, expected["djka"])
        check_against_the_log(second, expected["dishub-dki"])
    assert Counter(await post.rows("state")) == {("DELIVERED",): 2 * 3 * REGISTRANTS}
    assert await world.one("SELECT count(DISTINCT (webhook_id, change_id)) FROM webhook_delivery") == 6 * REGISTRANTS
