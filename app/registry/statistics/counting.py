"""What statistics tell: people by their status, seats, deadlines, and pairs of organizers. Without a database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

from app.registry.routes.route import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """How many people have which status."""

    registered: int = 0
    verified: int = 0
    departed: int = 0
    forfeited: int = 0
    cancelled: int = 0
    no_show: int = 0
    ever_verified: int = 0
    """Of all these people, how many were verified at some time, whatever became of them."""
    lap_infants: int = 0
    """Infants who stand and travel on a lap, without a seat. They are in no other figure."""
    arrived_late: int = 0
    """Of all these people, how many arrived more than `lateArrivalDays` after their window had closed."""


PEOPLE = tuple(one.name for one in fields(People))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts(People):
    """People by their status, and the seats of the limited routes."""

    quota: int | None = None
    """Seats that are released by now. None: no route is limited."""
    seated: int = 0
    """How many of these seats are taken."""

    @property
    def people(self) -> int:
        return self.taken + self.seats_returned

    @property
    def taken(self) -> int:
        """Seats that are taken, or have left: a no-show's seat left empty with the others."""
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


NOTHING = Counts()


class Cell(NamedTuple):
    organizer: str
    direction: str
    service: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class FiguresHead:
    season: int
    as_of: datetime
    """Every change of the log up to this instant is counted."""


class WaitingPeople(NamedTuple):
    hours: int | None
    """From the current hour of the clock to the hour in which the deadline falls. None: there is no deadline."""
    waiting: int


class Pair(NamedTuple):
    """An organizer that holds NIKs, and another one that claimed these NIKs as well."""

    holder: str
    claimant: str
    refused: int
    suspected: int


class Overlaps(NamedTuple):
    refused: int
    """How often a NIK was refused, in all pairs together."""
    pairs: list[Pair]
    """The most frequent pairs."""


class Departure(NamedTuple):
    route: Route
    counts: Counts
    """The people are those of the organizers that were asked for. The seats are all seats of the route."""

    @property
    def empty_seats(self) -> int | None:
        """Free seats, and seats of people who are not verified."""
        remaining = self.counts.remaining
        return None if remaining is None else remaining + self.counts.registered


class RouteFill(NamedTuple):
    """How full the routes with a quota are. No route is both full and empty."""

    limited: int
    full: int
    fullest: Sequence[Departure]
    emptiest: Sequence[Departure]
    """The emptiest first."""


def total(counts: Iterable[Counts]) -> Counts:
    parts = list(counts)
    quotas = [one.quota for one in parts if one.quota is not None]
    people = {name: sum(getattr(one, name) for one in parts) for name in PEOPLE}
    return Counts(**people, quota=sum(quotas) if quotas else None, seated=sum(one.seated for one in parts))


def people_of(row: People) -> dict[str, int]:
    return {name: getattr(row, name) for name in PEOPLE}


def by(key: Callable[[Cell], str], cells: Iterable[Cell]) -> dict[str, Counts]:
    """The counts of each key, in the order of the keys."""
    parts: dict[str, list[Counts]] = defaultdict(list)
    for cell in cells:
        parts[key(cell)].append(cell.counts)
    return {name: total(parts[name]) for name in sorted(parts)}
