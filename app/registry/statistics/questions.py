"""What statistics may be asked for: which figures, of whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from app.errors import InvalidValue, NotYours, refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whom and what the figures are about."""

    organizers: frozenset[str] | None = None
    """None: everybody."""
    direction: str | None = None
    service: str | None = None
    since: date | None = None
    """The first day (WIB) of registration."""
    until: date | None = None
    """The last day (WIB) of registration."""
    season: int | None = None
    """None: the current one."""

    @property
    def is_whole_season(self) -> bool:
        """Whether nothing but the organizers and the season is chosen."""
        return self == Selection(organizers=self.organizers, season=self.season)


@refuses(NotYours, InvalidValue)
def judge(asked_for: Selection, readable: frozenset[str] | None) -> Selection | NotYours | InvalidValue:
    """What is selected. `readable`: the organizers whose figures the caller may read; None: everybody's."""
    since, until = asked_for.since, asked_for.until
    if since is not None and until is not None and until < since:
        return InvalidValue(
            "to", "Tanggal akhir sebelum tanggal awal; tukar keduanya.", "The last day is before the first; swap them."
        )
    if asked_for.organizers is None:
        return replace(asked_for, organizers=readable)
    return asked_for if readable is None or asked_for.organizers <= readable else NotYours("organizer")


class Part(StrEnum):
    HEAD = "HEAD"
    NAMES = "NAMES"
    CELLS = "CELLS"
    DAYS = "DAYS"
    DEADLINES = "DEADLINES"
    OVERLAPS = "OVERLAPS"
    DEPARTURES = "DEPARTURES"
    FILL = "FILL"


@dataclass(frozen=True, slots=True)
class DeparturesPage:
    """`first` routes in the order of departure, from behind the route `after`."""

    first: int
    after: UUID | None = None
    upcoming: bool = False
    """Only routes that have not departed."""
    with_quota: bool = False
    """Only routes whose seats are limited."""


@dataclass(frozen=True, slots=True)
class Question:
    """One part of the figures that a request asks for."""

    selection: Selection
    part: Part
    page: DeparturesPage | None = None
