"""Processes that send to webhooks are killed (SIGKILL) at random: every event arrives, in order, none is made up."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from multiprocessing.process import BaseProcess

import pytest

from app import clock
from app.registry import change_log
from tests.changes.sending import Post, filled, forfeited, no_show
from tests.changes.webhooks.test_sender import PENDING, check_against_the_log, expected_of, unreliable
from tests.concurrency.doomed import DOOMED
from tests.concurrency.sending import send
from tests.patience import patience
from tests.receivers import Receiver, receiving
from tests.world import DKI, World

pytestmark = pytest.mark.anyio

REGISTRANTS = 20
"""Of each organizer, at least: something happens until the last kill."""
KILLS = 2


async def start(world: World, url: str) -> BaseProcess:
    hears, says = DOOMED.Pipe(duplex=False)
    process = DOOMED.Process(target=send, args=(url, world.vault.keys, says), daemon=True)
    process.start()
    says.close()
    assert await asyncio.to_thread(hears.recv) == "sends"
    hears.close()
    return process


async def end(process: BaseProcess) -> None:
    process.kill()
    await asyncio.to_thread(process.join)


async def some_more(*receivers: Receiver) -> None:
    """Until something more has come to each of them."""
    came = [len(receiver.requests) for receiver in receivers]
    for receiver, before in zip(receivers, came, strict=True):
        await receiver.until(before + 1)


async def test_killed_senders_lose_nothing_and_mix_nothing_up(world: World, database_url: str) -> None:
    post, chance = Post(world), random.Random(7)  # noqa: S311 - a test's dice
    kills = 0

    async def happen() -> int:
        """To how many registrants of each organizer."""
        number = 0
        while number < REGISTRANTS or kills < KILLS:
            number += 1
            for organizer, base in (("djka", 0), ("dishub-dki", 100_000)):
                entries = [forfeited(base + number, organizer), filled(base + number % 7, organizer)]
                for entry in (*entries, no_show(base + number, organizer)):
                    async with world.database.transaction() as session:
                        await change_log.append(session, [entry], clock.now())
        return number

    async with receiving() as first, receiving() as second:
        first.says, second.says = unreliable(chance, 0.15), unreliable(chance, 0.15)
        await post.hook(url=first.url())
        await post.hook(DKI, second.url())
        senders = [await start(world, database_url) for _ in range(2)]
        happening = asyncio.create_task(happen())
        try:
            while kills < KILLS:
                await some_more(first, second)
                await end(senders.pop(0))
                senders.append(await start(world, database_url))
                kills += 1
            registrants = await happening
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
    assert Counter(await post.rows("state")) == {("DELIVERED",): 6 * registrants}
    assert await world.one("SELECT count(DISTINCT (webhook_id, change_id)) FROM webhook_delivery") == 6 * registrants
