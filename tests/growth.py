"""How the CPU time of some work grows with its input: a law, and never a number of seconds."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

TIMES_THE_INPUT = 8
MOST_TIMES_THE_CPU = 10


def assert_linear(work: Callable[[int], Callable[[], object]], size: int) -> None:
    """`work(size)` prepares an input and gives the function to measure. 8 times the input may cost 10 times the CPU."""
    once, many = cpu_seconds(work(size)), cpu_seconds(work(TIMES_THE_INPUT * size))
    assert many <= MOST_TIMES_THE_CPU * once, f"{many / once:.1f} times the CPU for {TIMES_THE_INPUT} times the input"


def cpu_seconds(function: Callable[[], object], rounds: int = 5) -> float:
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
