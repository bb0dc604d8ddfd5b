"""How much CPU a process takes between two turns of its loop, while it works: for so long nobody else is answered."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

TRACED_TAKES = 6
"""So many times as long, at most, a step takes while each line is traced for coverage."""


def allowed(milliseconds: float) -> float:
    """How long a step may be that may else be so long."""
    return milliseconds * (1 if sys.gettrace() is None else TRACED_TAKES)


@asynccontextmanager
async def stepping() -> AsyncIterator[list[float]]:
    """The milliseconds of CPU of each turn of the loop, in this thread, as long as the context lasts."""
    turns: list[float] = []
    # It would count as part of the first turn.
    gc.collect()
    gc.disable()

    async def watch() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            turns.append((now - last) * 1e3)
            last = now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    turns.clear()
    try:
        yield turns
        await asyncio.sleep(0)
    finally:
        gc.enable()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
