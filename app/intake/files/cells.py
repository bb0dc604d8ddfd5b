"""Cells as text: what a spreadsheet makes of dates and numbers, and what must stay text when it is opened in one.

A cell that begins with `= + - @`, TAB or CR is a formula to somebody. In .xlsx a text cell is inert by its type; CSV
has no types, so there an apostrophe goes before it, which reading takes away again.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

LONGEST = 32_767
"""Characters of one cell, which is Excel's limit."""
FIFTEEN_DIGITS = 1e15
"""What a spreadsheet keeps of a number: from here on it has lost digits."""

_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_LIVE = re.compile(rf"[\t\r\n]|\s*[{_FORMULA}]|'\s*[{_FORMULA}\t\r\n']")
_QUOTED = re.compile(rf"'\s*[{_FORMULA}\t\r\n']")
HALF_A_SECOND = 500_000
LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - spreadsheets know no zones


def text_of(value: object) -> str | None:
    """What a cell says. A number that has lost digits looks like one (`3.2E+15`), so that no NIK is guessed from it."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return None if value is None else str(value)


def number(value: float) -> str:
    if not abs(value) < FIFTEEN_DIGITS:
        return f"{value:.10E}"
    return str(int(value)) if value == int(value) else repr(value)


def instant(value: datetime) -> str:
    """To the second: a spreadsheet counts in fractions of days. Midnight is a day without a time."""
    rounded = value.replace(microsecond=0)
    if value.microsecond >= HALF_A_SECOND and rounded < LAST_SECOND:
        rounded += timedelta(seconds=1)
    return rounded.date().isoformat() if rounded.time() == time.min else rounded.isoformat(sep=" ")


def inert(text: str) -> str:
    """For CSV; `unquoted` gives back the same text."""
    return f"'{text}" if _LIVE.match(text) else text


def unquoted(text: str) -> str:
    return text[1:] if _QUOTED.match(text) else text
