"""Days, instants and years as every door reads them from text: ISO 8601, within bounds.

The bounds keep every day that the rules reckon with (a deadline, a retention, the end of a day in WIB) in range of a
date. A value beyond them is refused at the door, and never meets a rule.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

FIRST_YEAR, LAST_YEAR = 1900, 2199
FIRST_SEASON = 2000
YEARS = f"{FIRST_YEAR}–{LAST_YEAR}"
"""As a refusal says them."""


def day(text: str) -> date:
    """Raises ValueError."""
    found = date.fromisoformat(text)
    _within(found.year)
    return found


def instant(text: str) -> datetime:
    """The instant in UTC. The text names its zone. Raises ValueError."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError
    _within(found.year)
    return found.astimezone(UTC)


def season(text: str) -> int:
    """A programme year. Raises ValueError."""
    found = int(text)
    if not is_season(found):
        raise ValueError
    return found


def is_season(year: int) -> bool:
    return FIRST_SEASON <= year <= LAST_YEAR


def _within(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError
