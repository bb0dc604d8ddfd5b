"""The transaction from which the figures of one request are read, and what their statements have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from app.db import Session
from app.errors import NotFound, RefusalError, refuses
from app.registry.statistics.counting import PEOPLE
from app.registry.statistics.questions import Question, Selection
from app.sql import Arrays

EVERYBODY = "*"
"""Stands in the place of an organizer's code and means all organizers together. No organizer can have this code."""
SUMS = ", ".join(f"CAST(sum(t.{name}) AS bigint) AS {name}" for name in PEOPLE)
KIND = """
    {0}.season = :season AND (CAST(:direction AS text) IS NULL OR {0}.direction = :direction)
    AND (CAST(:service AS text) IS NULL OR {0}.service = :service)
"""
DAY = "t.day BETWEEN CAST(:since AS date) AND CAST(:until AS date)"


class AskedOrganizer(NamedTuple):
    """One organizer of the question that stands at `place`."""

    place: int
    organizer: str


class AskedOfEverybody(NamedTuple):
    place: int


ASKED = Arrays("asked", AskedOrganizer)
ASKED_OF_ALL = Arrays("asked", AskedOfEverybody)


@dataclass(slots=True, kw_only=True)
class FiguresMoment:
    """The transaction from which all answers of one request are read."""

    session: Session
    now: datetime
    latest: int | None
    uncounted_at: datetime | None
    names: dict[str, str]
    """The name of every organizer, by its code."""

    @refuses(NotFound)
    def season(self, selection: Selection) -> int:
        season = self.latest if selection.season is None else selection.season
        if season is None:
            raise RefusalError(NotFound("season"))
        return season

    def organizers(self, selection: Selection) -> list[str]:
        return sorted(self.names if selection.organizers is None else selection.organizers & self.names.keys())

    def organizers_of(self, questions: Sequence[Question], *, together: bool) -> dict[str, Any]:
        """Each organizer of each question. `together`: there is a sum over everybody, which stands for them all."""
        return ASKED.of(
            [
                AskedOrganizer(place, code)
                for place, one in enumerate(questions)
                for code in (
                    [EVERYBODY] if together and one.selection.organizers is None else self.organizers(one.selection)
                )
            ]
        )

    def values(self, selection: Selection) -> dict[str, Any]:
        return {
            "season": self.season(selection),
            "direction": selection.direction,
            "service": selection.service,
            "since": selection.since or date.min,
            "until": selection.until or date.max,
        }
