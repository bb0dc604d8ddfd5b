"""Cells as text: what a spreadsheet makes of dates and numbers, and which texts must not become formulas.

Some program takes a cell that begins with `= + - @`, TAB or CR for a formula. In .xlsx the type of a text cell prevents
that. CSV has no types: there an apostrophe is put before the text, and reading takes the apostrophe away.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

LONGEST_CELL = 32_767
"""Characters: Excel's limit."""
FIFTEEN_DIGITS = 1e15
"""A spreadsheet keeps 15 digits of a number. A number as large as this may have lost its last digits."""

SIXTEEN_DIGITS = 1e16
LARGEST_EXACT = 2**53
"""Above it, a number of a spreadsheet is an even one."""

_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_LIVE = re.compile(rf"[\t\r\n]|\s*[{_FORMULA}]|'\s*[{_FORMULA}\t\r\n']")
_QUOTED = re.compile(rf"'\s*[{_FORMULA}\t\r\n']")
_TEXT_AS_FORMULA = re.compile(r'\s*="((?:[^"]|"")*)"\s*')
HALF_A_SECOND_IN_MICROSECONDS = 500_000
LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - spreadsheets know no zones


def text_of(value: object) -> str | None:
    """What a cell says. A number that may have lost digits is written as `3.2E+15`: no NIK is guessed from it.

    A formula that is nothing but a text, `="3171…"`, is that text. People write it to keep all digits of a NIK.
    """
    if isinstance(value, str):
        formula = text_in_formula(value)
        text = value if formula is None else formula
        return text if text.strip() else None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return None if value is None else str(value)


def as_it_stands(value: object) -> str | None:
    """As `text_of`, for a file that goes back: of a number of 16 digits its digits.

    The last digit is `?` where a spreadsheet may have lost it: it puts a 0 there, and rounds what is too large. So
    nobody sends back another NIK than the one that was typed.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text_of(value)
    if not FIFTEEN_DIGITS <= value < SIXTEEN_DIGITS or value != int(value):
        return number(value)
    digits = str(int(value))
    return f"{digits[:-1]}?" if digits.endswith("0") or value > LARGEST_EXACT else digits


def text_in_formula(written: str) -> str | None:
    """The text of a formula that is nothing but a text. None: it is another formula, or none."""
    formula = _TEXT_AS_FORMULA.fullmatch(written)
    return None if formula is None else formula[1].replace('""', '"')


def number(value: float) -> str:
    if not abs(value) < FIFTEEN_DIGITS:
        return f"{value:.10E}"
    return str(int(value)) if value == int(value) else repr(value)


def instant(value: datetime) -> str:
    """Rounded to the second, since a spreadsheet counts in fractions of days. Midnight is a day without a time."""
    rounded = value.replace(microsecond=0)
    if value.microsecond >= HALF_A_SECOND_IN_MICROSECONDS and rounded < LAST_SECOND:
        rounded += timedelta(seconds=1)
    return rounded.date().isoformat() if rounded.time() == time.min else rounded.isoformat(sep=" ")


def inert(text: str) -> str:
    """The text for CSV, with an apostrophe where it is needed. `unquoted` gives the same text back."""
    return f"'{text}" if _LIVE.match(text) else text


def unquoted(text: str) -> str:
    return text[1:] if _QUOTED.match(text) else text
