# ruff: noqa: DTZ001, DTZ901 - spreadsheets know no zones
from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import example
from hypothesis import strategies as st

from app.errors import NikInvalid
from app.intake.files.cells import inert, text_of, unquoted
from app.registry.values import nik
from tests.examples import given
from tests.world import nik_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Siti", "Siti"),
        (" Siti ", " Siti "),
        ("", None),
        (" \t\u00a0\n", None),
        (None, None),
        (2.0, "2"),
        (-3.0, "-3"),
        (0.5, "0.5"),
        (81234567890.0, "81234567890"),
        (3201010101909.0, "3201010101909"),
        (999_999_999_999_999.0, "999999999999999"),
        (3_201_010_101_909_001.0, "3.2010101019E+15"),
        (3_201_010_101_909_001, "3.2010101019E+15"),
        (1e300, "1.0000000000E+300"),
        (float("inf"), "INF"),
        (float("nan"), "NAN"),
        (True, "TRUE"),
        (False, "FALSE"),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 10, 0, 1), "2026-03-01 10:00:01"),
        (datetime(2026, 3, 1, 9, 59, 59, 999_000), "2026-03-01 10:00:00"),
        (datetime(2026, 3, 1, 9, 59, 59, 400_000), "2026-03-01 09:59:59"),
        (datetime(2026, 2, 28, 23, 59, 59, 999_999), "2026-03-01"),
        (datetime.max, "9999-12-31 23:59:59"),
        (time(10, 30), "10:30:00"),
        (timedelta(hours=30), "1 day, 6:00:00"),
    ],
    ids=str,
)
def test_what_a_cell_says(value: object, text: str | None) -> None:
    assert text_of(value) == text


def test_a_nik_that_became_a_number_is_refused_with_the_reason() -> None:
    for number in (float(nik_of(1)), int(nik_of(1)), 3.2e15):
        text = text_of(number)
        assert text is not None
        refused = nik.parse(text)
        assert isinstance(refused, NikInvalid)
        assert refused.message("id") == nik.lost_in_a_spreadsheet().message("id")


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u00a0@", "'=", "''"], ids=ascii
)
def test_what_begins_like_a_formula_is_inert_and_comes_back(start: str) -> None:
    text = f"{start}1+1"
    assert inert(text) == f"'{text}"
    assert unquoted(inert(text)) == text


@pytest.mark.parametrize("text", ["Siti", "'Abdul", "1-2", "a=b", "'", "", f"'{nik_of(1)}"])
def test_what_does_not_is_left_as_it_is(text: str) -> None:
    assert inert(text) == text
    assert unquoted(text) == text


@given(st.text(alphabet="'=+-@\t\r\n \u00a0＝a1", max_size=8))
@example("'")
def test_every_text_comes_back_as_it_was(text: str) -> None:
    written = inert(text)
    assert unquoted(written) == text
    assert not written.lstrip().startswith(tuple("=+-@＝＋－＠"))
    assert not written.startswith(("\t", "\r", "\n"))
