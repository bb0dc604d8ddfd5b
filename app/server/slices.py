"""Long work in slices: between two slices, the process answers others.

A step between two awaits holds up every other request of the process. A bulk of 1,000 items is allowed, and what is
done for each of them is done for some at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from itertools import islice
from typing import TypeVar

SLICE = 200
"""Items. What takes 100 microseconds for an item takes 20 milliseconds for so many."""

Item = TypeVar("Item")
Result = TypeVar("Result")


async def each(function: Callable[[Item], Result], items: Collection[Item]) -> list[Result]:
    """`function` of each item, in their order."""
    if len(items) <= SLICE:
        return [function(item) for item in items]
    results: list[Result] = []
    coming = iter(items)
    for _ in range(0, len(items), SLICE):
        await asyncio.sleep(0)
        results += map(function, islice(coming, SLICE))
    await asyncio.sleep(0)
    return results


async def sliced(items: Collection[Item]) -> AsyncIterator[Item]:
    """The items. Before each slice, and behind the last one, others have their turn, unless there is only one."""
    many = len(items) > SLICE
    for place, item in enumerate(items):
        if many and place % SLICE == 0:
            await asyncio.sleep(0)
        yield item
    if many:
        await asyncio.sleep(0)
