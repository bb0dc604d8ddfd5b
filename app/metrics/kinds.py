"""Counter, gauge and histogram. What is counted is told by words of ours: a label is never what a client sent.

One is written down in a fraction of a microsecond, so that whoever counts need not think about it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from app.metrics.cells import Cells, Name

OTHER = "other"
MOST_LABELS = 5_000
"""Of one metric. Its labels are closed vocabularies; this is for the day when a bug opens one."""
_A_WORD_OF_OURS = re.compile(r"(?!.*\d{10})[A-Za-z0-9_./{}:+-]{1,64}")


class Counts:
    """Of this process. In memory until `count_in` names a folder."""

    def __init__(self) -> None:
        self.cells = Cells()
        self.values = self.cells.values
        self.metrics: dict[str, Counter | Gauge | Histogram] = {}

    def count_in(self, folder: Path | None) -> None:
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.cells.close()
        self.cells = Cells(folder)
        self.values = self.cells.values
        for metric in self.metrics.values():
            metric.places.clear()


COUNTS = Counts()


class Counter:
    width = 1

    def __init__(self, name: str, told: str, *labels: str) -> None:
        self.name, self.told, self.labels = name, told, labels
        self.places: dict[tuple[str, ...], int] = {}
        COUNTS.metrics[name] = self

    def add(self, *labels: str, by: float = 1) -> None:
        place = self.places.get(labels)
        if place is None:
            place = _place(self, labels)
        COUNTS.values[place] += by


class Gauge:
    """How much there is now: in all live processes together."""

    width = 1

    def __init__(self, name: str, told: str, *labels: str) -> None:
        self.name, self.told, self.labels = name, told, labels
        self.places: dict[tuple[str, ...], int] = {}
        COUNTS.metrics[name] = self

    def add(self, *labels: str, by: float = 1) -> None:
        place = self.places.get(labels)
        if place is None:
            place = _place(self, labels, live=True)
        COUNTS.values[place] += by

    def set(self, value: float, *labels: str) -> None:
        COUNTS.values[_place(self, labels, live=True)] = value


class Histogram:
    def __init__(self, name: str, told: str, bounds: Sequence[float], *labels: str) -> None:
        self.name, self.told, self.labels = name, told, labels
        self.bounds = tuple(bounds)
        self.places: dict[tuple[str, ...], int] = {}
        COUNTS.metrics[name] = self

    @property
    def width(self) -> int:
        """A cell for each bound, one for what is above them all, and one for the sum."""
        return len(self.bounds) + 2

    def add(self, value: float, *labels: str) -> None:
        place = self.places.get(labels)
        if place is None:
            place = _place(self, labels, self.width)
        COUNTS.values[place + bisect_left(self.bounds, value)] += 1
        COUNTS.values[place + self.width - 1] += value


def _place(metric: Counter | Gauge | Histogram, labels: tuple[str, ...], width: int = 1, *, live: bool = False) -> int:
    ours = tuple(label if _A_WORD_OF_OURS.fullmatch(label) else OTHER for label in labels)
    if len(metric.places) >= MOST_LABELS:
        ours = (OTHER,) * len(labels)
    place = COUNTS.cells.place(Name(metric.name, ours, width, live))
    if ours == labels:
        metric.places[labels] = place
    return place
