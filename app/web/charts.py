"""The charts of each page: which mark, of what, in which unit. A chart is drawn from a table that is on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import Language
from app.web.shells import Markup, filled
from app.web.words import WORDS


@dataclass(frozen=True, slots=True)
class Chart:
    id: str
    mark: str
    first: str
    """The word over the first column."""
    unit: str
    legend: bool = False
    part: bool = False
    """Of a fill bar: shown as a share of the first row, and never as full."""


CHARTS: Mapping[str, tuple[Chart, ...]] = {
    "ringkasan": (
        Chart("fullest", "fill", "route", "unit.seats"),
        Chart("emptiest", "fill", "route", "unit.seats"),
        Chart("refused", "bars", "reason", "unit.times", legend=True),
        Chart("pairs", "matrix", "holder", "unit.times"),
        Chart("organizers", "fill", "organizer", "unit.seats"),
        Chart("days", "stack", "day", "unit.people", legend=True),
        Chart("funnel", "fill", "step", "unit.people", part=True),
        Chart("deadlines", "bars", "deadline", "unit.people"),
        Chart("forecast", "bars", "route", "unit.seats"),
    ),
    "laporan": (
        Chart("fortnight", "stack", "day", "unit.people", legend=True),
        Chart("full", "fill", "route", "unit.seats"),
        Chart("overlaps", "matrix", "holder", "unit.times"),
    ),
}


def of(page: str, language: Language) -> dict[str, Markup]:
    return {chart.id: drawn(chart, language) for chart in CHARTS.get(page, ())}


def drawn(chart: Chart, language: Language) -> Markup:
    words = WORDS[language]
    return filled(
        "chart",
        language,
        id=chart.id,
        mark=chart.mark,
        unit=words[chart.unit],
        show=Markup(' data-show="part"' if chart.part else ""),
        legend=Markup('<p class="legend"></p>' if chart.legend else ""),
        caption=words[f"{chart.id}.caption"],
        first=words[chart.first],
    )
