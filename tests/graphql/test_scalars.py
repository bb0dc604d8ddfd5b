"""Scalars, and what is chosen by a header."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest

from app.errors import Language
from app.graphql.failures import RequestError
from app.graphql.paging import cursor_of, position
from app.graphql.scalars import ID_OF_NOTHING, identifier, parse_day, parse_instant, parse_nik, write_instant
from app.language import language_of


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-05T08:00:00+07:00", datetime(2026, 3, 5, 1, tzinfo=UTC)),
        ("2026-03-05T01:00:00Z", datetime(2026, 3, 5, 1, tzinfo=UTC)),
        ("2026-03-05T01:00:00.123456+00:00", datetime(2026, 3, 5, 1, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-05 01:00Z", datetime(2026, 3, 5, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_has_a_zone(written: str, instant: datetime) -> None:
    assert parse_instant(written) == instant


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-05",
        "2026-03-05T08:00:00",
        "05/03/2026",
        "x",
        "",
        5,
        None,
        1.5,
        ["2026-03-05T01:00:00Z"],
        "0001-01-01T00:00:00+07:00",
        "1899-12-31T00:00:00Z",
        "2200-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_what_is_no_instant_is_refused_without_being_repeated(written: object) -> None:
    with pytest.raises(RequestError, match=r"^A DateTime is an ISO 8601 string with a zone"):
        parse_instant(written)


def test_instants_are_written_in_utc() -> None:
    assert write_instant(datetime(2026, 3, 5, 8, tzinfo=timezone(timedelta(hours=7)))) == "2026-03-05T01:00:00Z"


def test_a_day() -> None:
    assert parse_day("2026-03-05") == date(2026, 3, 5)


@pytest.mark.parametrize("written", ["05/03/2026", "2026-02-30", 20260305, None])
def test_what_is_no_day_is_refused(written: object) -> None:
    with pytest.raises(RequestError, match=r"^A Date is an ISO 8601 string"):
        parse_day(written)


@pytest.mark.parametrize("written", [3201010101909001, 3.2e15, None, True, ["3201010101909001"], {}])
def test_a_nik_is_never_a_number(written: object) -> None:
    with pytest.raises(RequestError, match=r"never a number"):
        parse_nik(written)


def test_a_nik_is_left_to_the_registry() -> None:
    assert parse_nik(" 3201.0101 ") == " 3201.0101 "


@pytest.mark.parametrize("text", ["", "x", "1" * 40, "zz000000-0000-0000-0000-000000000000"])
def test_what_is_no_id_is_the_id_of_nothing(text: str) -> None:
    assert identifier(text) == ID_OF_NOTHING


def test_a_cursor_leads_back_to_its_id() -> None:
    key = UUID("01a20251-1718-77ab-8066-a50d985aefc1")
    assert position(cursor_of(key)) == key
    assert position(None) is None
    with pytest.raises(RequestError, match="no cursor"):
        position("")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "id"),
        ("en", "en"),
        ("EN-us", "en"),
        ("id", "id"),
        ("de, fr", "id"),
        ("de, en;q=0.1", "en"),
        ("en;q=0.5, id;q=0.6", "id"),
        ("id;q=0.5, en;q=0.6", "en"),
        ("en;q=0", "id"),
        ("en;q=x", "id"),
        ("en;level=1", "en"),
        (",;,", "id"),
    ],
)
def test_the_language_that_is_wanted_most(header: str, language: Language) -> None:
    assert language_of(header) == language
