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
    show: str = ""
    """Of a fill bar `part`: a share of the first row, and never full. Of stacked bars `flat`: for a sheet of paper."""


CHARTS: Mapping[str, tuple[Chart, ...]] = {
    "ringkasan": (
        Chart("fullest", "fill", "route", "unit.seats"),
        Chart("emptiest", "fill", "route", "unit.seats"),
        Chart("refused", "bars", "reason", "unit.times", legend=True),
        Chart("pairs", "matrix", "holder", "unit.times"),
        Chart("organizers", "fill", "organizer", "unit.seats"),
        Chart("days", "stack", "day", "unit.people", legend=True),
        Chart("funnel", "fill", "step", "unit.people", show="part"),
        Chart("deadlines", "bars", "deadline", "unit.people"),
        Chart("forecast", "bars", "route", "unit.seats"),
    ),
    "laporan": (
        Chart("fortnight", "stack", "day", "unit.people", legend=True, show="flat"),
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
        show=Markup(f' data-show="{chart.show}"' if chart.show else ""),
        legend=Markup('<p class="legend"></p>' if chart.legend else ""),
        caption=words[f"{chart.id}.caption"],
        first=words[chart.first],
    )
