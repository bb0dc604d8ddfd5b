"""What this process has answered since the counts were last taken: `registry.statistics.pulse` does so every minute.

Counters in memory, and nothing else: whoever answers a request waits for no database because of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field

STEPS_MS = tuple(round(1.19**step, 2) for step in range(61))
"""The counts know of each answer when it began, in steps from 1 ms to 34 s, each 19 % above the one before it."""
FAILED = frozenset({"INTERNAL_ERROR", "UNAVAILABLE", "TIMEOUT", "temporarily_unavailable"})
"""Outcomes by which the registry, not its caller, failed."""


@dataclass(slots=True)
class Counted:
    answers: int = 0
    errors: int = 0
    steps: list[int] = field(default_factory=lambda: [0] * (len(STEPS_MS) + 1))
    """How many answers began within each of `STEPS_MS` but not within the step before; last, those beyond."""
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By the organizer that was refused, and the reason."""


class Minute:
    """What is being counted now, of one registry."""

    def __init__(self) -> None:
        self.counted = Counted()


LIVE = Minute()
minute: ContextVar[Minute] = ContextVar("minute", default=LIVE)
"""Of the registry that this context works for. What a test registry does is none of the live one's figures."""


def count_answer(seconds: float, status: int | None, outcome: str) -> None:
    """`seconds`: until the answer began, since a stream lasts and a slow reader takes long. `status`: None where
    nothing was answered.
    """
    counted = minute.get().counted
    counted.answers += 1
    counted.errors += status is None or status >= 500 or outcome in FAILED
    counted.steps[bisect_left(STEPS_MS, seconds * 1000)] += 1


def count_refusal(organizer: str, code: str, times: int = 1) -> None:
    minute.get().counted.refusals[organizer, code] += times


def take() -> Counted:
    """What was counted since the last time. From here on it is counted anew."""
    here = minute.get()
    taken, here.counted = here.counted, Counted()
    return taken
