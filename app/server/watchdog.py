"""Ends a worker whose event loop does not turn any more and burns CPU. Its supervisor starts another one.

The kernel's CPU timer of the process is wound up again with every turn of the loop. If the process burns
`MOST_CPU_SECONDS` without a turn, the kernel sends SIGPROF, whose handler (in C, by faulthandler) writes where the
process is stuck and lets the signal end it. A thread would not do: a loop that is stuck in a regular expression holds
the interpreter, and no thread runs. A machine that is suspended, or too busy to run the process, burns no CPU of it and
ends nothing.
"""

from __future__ import annotations

import asyncio
import faulthandler
import signal

MOST_CPU_SECONDS = 8.0
"""A process whose loop does not turn may use this much CPU. With the second between two turns, that is most of ten
seconds.
"""
WIND_EVERY_SECONDS = 1.0


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Watch the loop of this process until the process ends."""
    faulthandler.register(signal.SIGPROF, all_threads=True, chain=True)
    _wind(loop)


def _wind(loop: asyncio.AbstractEventLoop) -> None:
    signal.setitimer(signal.ITIMER_PROF, MOST_CPU_SECONDS)
    loop.call_later(WIND_EVERY_SECONDS, _wind, loop)
