"""Long work lets others have their turn between two slices; short work is done at once."""

from __future__ import annotations

import asyncio

import pytest

from app.server.slices import SLICE, each, sliced

pytestmark = pytest.mark.anyio


async def turns_while(items: int) -> int:
    """How often others had their turn while so many items were worked on."""
    turns, done = 0, asyncio.Event()

    async def neighbour() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(neighbour())
    await asyncio.sleep(0)
    turns = 0
    assert await each(lambda one: one * 2, range(items)) == [one * 2 for one in range(items)]
    done.set()
    await beside
    return turns


@pytest.mark.parametrize(("items", "turns"), [(0, 0), (1, 0), (SLICE, 0), (SLICE + 1, 3), (5 * SLICE, 6)])
async def test_others_have_their_turn_between_slices(items: int, turns: int) -> None:
    assert await turns_while(items) == turns


async def test_the_items_come_in_their_order() -> None:
    assert [one async for one in sliced(range(3 * SLICE))] == list(range(3 * SLICE))
