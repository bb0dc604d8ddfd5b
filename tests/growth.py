"""How the CPU time of some work grows with its input: a law, and never a number of seconds."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable

TIMES_THE_INPUT = 8
MOST_TIMES_THE_CPU = 10
TRIES = 5
"""A processor has two speeds: its other half may begin to work in between. What grows faster does so each time."""


def assert_linear(work: Callable[[int], Callable[[], object]], size: int) -> None:
    """`work(size)` prepares an input and gives the function to measure. 8 times the input may cost 10 times the CPU."""
    little, much = work(size), work(TIMES_THE_INPUT * size)
    growths: list[float] = []
    while not growths or min(growths) > MOST_TIMES_THE_CPU:
        assert len(growths) < TRIES, f"{min(growths):.1f} times the CPU for {TIMES_THE_INPUT} times the input"
        growths.append(cpu_seconds(much) / cpu_seconds(little))


Request = Callable[[], Awaitable[object]]
"""Sends what was prepared, and waits for the answer."""


async def assert_linear_over_http(prepare: Callable[[int], Awaitable[Request]], size: int) -> None:
    """As `assert_linear`, for requests. Each round prepares its own: a server remembers what it has read before."""
    growths: list[float] = []
    while not growths or min(growths) > MOST_TIMES_THE_CPU:
        assert len(growths) < TRIES, f"{min(growths):.1f} times the CPU for {TIMES_THE_INPUT} times the input"
        much = await cpu_seconds_awaited(await prepare(TIMES_THE_INPUT * size))
        growths.append(much / await cpu_seconds_awaited(await prepare(size)))


async def cpu_seconds_awaited(request: Request) -> float:
    gc.disable()
    try:
        started = time.process_time()
        await request()
        return time.process_time() - started
    finally:
        gc.enable()


def cpu_seconds(function: Callable[[], object], rounds: int = 3) -> float:
    """The best of several rounds: what disturbs a round only ever adds to it."""
    gc.collect()
    gc.disable()
    try:
        return min(_cpu_seconds_of_one_round(function) for _ in range(rounds))
    finally:
        gc.enable()


def _cpu_seconds_of_one_round(function: Callable[[], object]) -> float:
    started = time.process_time()
    function()
    return time.process_time() - started
