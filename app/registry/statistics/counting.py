"""What statistics tell of: people by where they stand, seats, days, deadlines, and pairs of organizers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

from app.registry.routes.route import Route


@dataclass(frozen=True, slots=True)
class Counts:
    """People by where they stand, and the seats of the limited routes."""

    registered: int = 0
    verified: int = 0
    departed: int = 0
    forfeited: int = 0
    cancelled: int = 0
    no_show: int = 0
    ever_verified: int = 0
    """Of all of them, those that were verified, whatever became of them."""
    quota: int | None = None
    """Released by now. None: no route is limited."""
    seated: int = 0
    """How many of these seats are taken."""

    @property
    def people(self) -> int:
        return self.taken + self.seats_returned

    @property
    def taken(self) -> int:
        """A no-show's seat has left with the others."""
        return self.registered + self.verified + self.departed + self.no_show

    @property
    def seats_returned(self) -> int:
        return self.forfeited + self.cancelled

    @property
    def remaining(self) -> int | None:
        return None if self.quota is None else self.quota - self.seated

    @property
    def fill(self) -> float | None:
        return self.seated / self.quota if self.quota else None


PEOPLE = tuple(one.name for one in fields(Counts) if one.name not in {"quota", "seated"})
NOTHING = Counts()


class Cell(NamedTuple):
    organizer: str
    direction: str
    service: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Head:
    season: int
    as_of: datetime
    """Every change up to here is counted."""


class Deadline(NamedTuple):
    hours: int | None
    """Hours of the clock from now to the one in which the deadline falls. None: there is no deadline."""
    waiting: int


class Pair(NamedTuple):
    holder: str
    claimant: str
    refused: int
    suspected: int


class Overlaps(NamedTuple):
    refused: int
    """In all."""
    pairs: list[Pair]
    """The most frequent ones."""


class Departure(NamedTuple):
    route: Route
    counts: Counts
    """People of whom the figures are told; the seats are the route's, whosever people have them."""

    @property
    def empty_seats(self) -> int | None:
        """Free ones, and those of people who are not verified."""
        remaining = self.counts.remaining
        return None if remaining is None else remaining + self.counts.registered


def total(counts: Iterable[Counts]) -> Counts:
    parts = list(counts)
    quotas = [one.quota for one in parts if one.quota is not None]
    people = {name: sum(getattr(one, name) for one in parts) for name in PEOPLE}
    return Counts(**people, quota=sum(quotas) if quotas else None, seated=sum(one.seated for one in parts))


def by(key: Callable[[Cell], str], cells: Iterable[Cell]) -> dict[str, Counts]:
    """The counts of each key, in the order of the keys."""
    parts: dict[str, list[Counts]] = defaultdict(list)
    for cell in cells:
        parts[key(cell)].append(cell.counts)
    return {name: total(parts[name]) for name in sorted(parts)}
