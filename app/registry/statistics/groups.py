"""What may be told of people to everybody: groups of at least five, to the nearest five.

Nobody may learn of fewer people than that, from one file or from the difference of any two: docs/decisions/
public-figures.md has the reasons and the proof. No database is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

SMALLEST_GROUP = 5
ROUNDED_TO_PEOPLE = 5
FEWER = "<5"
"""Fewer than a group, perhaps nobody."""
SMALL_ORGANIZER = 100
"""Of an organizer with fewer people than that, no day is told."""


class Day(NamedTuple):
    day: date
    more: int
    """People, beside those whom the tallies had when this day was taken in before. Negative: fewer."""
    counted: int
    """As was told before."""


def settled(people: int, before: int = 0) -> int:
    """What is told of `people` where `before` was told: neither a group nor a change of fewer than five people."""
    if abs(people - before) < SMALLEST_GROUP:
        return before
    return people if people >= SMALLEST_GROUP else 0


def settle(days: Iterable[Day], carried: int) -> list[tuple[date, int]]:
    """What is told of the days of one group, in their order. Whoever is not told with a day is carried to the next."""
    told = []
    for day, more, before in days:
        counted = settled(before + carried + more, before)
        carried += more - (counted - before)
        told.append((day, counted))
    return told


def shown(counted: int) -> int | str:
    """As it stands in a file."""
    return FEWER if counted == 0 else (counted + ROUNDED_TO_PEOPLE // 2) // ROUNDED_TO_PEOPLE * ROUNDED_TO_PEOPLE
