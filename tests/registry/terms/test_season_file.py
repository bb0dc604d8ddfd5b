"""The ministry's table as a file: days in WIB, good rows load beside bad ones, a repeat changes nothing."""

from datetime import UTC, date, datetime

import pytest

from app.db import Database
from app.demo.catalogue import TABLE
from app.registry.caller import Caller
from app.registry.terms import organizers, policy, season_file, seasons
from app.registry.terms.season_file import Loaded
from tests import queries
from tests.world import NOW

pytestmark = pytest.mark.anyio

OPERATOR = Caller(None, "hubdat")
CODES = (
    "ahm",
    "jasa-raharja",
    "banhub-jateng",
    "dishub-kota-tangerang",
    "dishub-tangsel",
    "dishub-dki",
    "dishub-jabar",
    "djka",
    "hubdat",
)
HEADER, AHM, *_ = TABLE.splitlines(keepends=True)


async def loaded(
    database: Database, content: str, season: int | None = None, ends_on: date | None = None, now: datetime = NOW
) -> Loaded:
    async with database.transaction() as session:
        return await season_file.load(session, OPERATOR, content, now, season=season, ends_on=ends_on)


async def organizers_of(database: Database, season: int) -> dict[str, organizers.Organizer]:
    async with database.transaction() as session:
        return {one.code: one for one in await organizers.all_of(session, season)}


async def changes(database: Database) -> int:
    async with database.transaction() as session:
        count: int = await queries.value(session, "SELECT count(*) FROM change")
    return count


async def test_the_published_table(database: Database) -> None:
    assert await loaded(database, TABLE) == Loaded(2024, CODES, ())
    async with database.transaction() as session:
        assert await seasons.find(session, 2024) == seasons.Season(year=2024, ends_on=date(2024, 5, 7))
    found = await organizers_of(database, 2024)
    assert set(found) == set(CODES)
    tangsel = found["dishub-tangsel"]
    assert [(one.opens_at, one.closes_at) for one in tangsel.windows] == [
        (datetime(2024, 3, 12, 17, tzinfo=UTC), datetime(2024, 3, 15, 17, tzinfo=UTC))
    ]
    assert [(one.opens_at, one.closes_at) for one in tangsel.verification] == [
        (datetime(2024, 3, 19, 17, tzinfo=UTC), datetime(2024, 3, 22, 17, tzinfo=UTC))
    ]
    (ahm,) = found["ahm"].windows
    assert (ahm.opens_at, ahm.closes_at) == (datetime(2024, 2, 25, 17, tzinfo=UTC), None)
    assert (ahm.until_quota_is_full, ahm.note) == (True, "Melihat kuota akhir")
    (open_end,) = found["banhub-jateng"].windows
    assert (open_end.closes_at, open_end.until_quota_is_full, open_end.note) == (None, False, None)
    assert found["jasa-raharja"].schemes == ("NIK_CHECK", "DAILY_CONSOLIDATION")
    assert found["hubdat"].schemes == ("GRAPHQL",)
    assert found["hubdat"].policy == policy.DEFAULT_OF_HUBDAT


async def test_the_same_file_again_changes_nothing(database: Database) -> None:
    first = await loaded(database, TABLE)
    told = await changes(database)
    assert told == 1 + 9 + 11
    assert await loaded(database, TABLE) == first
    assert await changes(database) == told


async def test_another_closing_day_amends_the_wave_and_another_opening_is_another(database: Database) -> None:
    await loaded(database, HEADER + "1,djka,Ditjen KA,2024-03-04,2024-03-08,,,,\n")
    await loaded(database, HEADER + "1,djka,Ditjen KA,2024-03-04,2024-03-10,,,,\n")
    await loaded(database, HEADER + "1,djka,Ditjen KA,2024-03-20,2024-03-22,,,,\n")
    found = await organizers_of(database, 2024)
    assert [(one.opens_at, one.closes_at) for one in found["djka"].windows] == [
        (datetime(2024, 3, 3, 17, tzinfo=UTC), datetime(2024, 3, 10, 17, tzinfo=UTC)),
        (datetime(2024, 3, 19, 17, tzinfo=UTC), datetime(2024, 3, 22, 17, tzinfo=UTC)),
    ]


async def test_season_and_its_end_can_be_named(database: Database) -> None:
    this_year = HEADER + AHM.replace("2024-", "2025-")
    result = await loaded(database, this_year, season=2025, ends_on=date(2025, 4, 20))
    assert result == Loaded(2025, ("ahm",), ())
    async with database.transaction() as session:
        assert await seasons.all_of(session) == [seasons.Season(year=2025, ends_on=date(2025, 4, 20))]
    await loaded(database, this_year, season=2025, ends_on=date(2025, 6, 1))
    async with database.transaction() as session:
        assert await seasons.all_of(session) == [seasons.Season(year=2025, ends_on=date(2025, 4, 20))]


async def test_the_table_of_another_year_is_refused_row_by_row(database: Database) -> None:
    result = await loaded(database, HEADER + AHM, season=2026)
    assert isinstance(result, Loaded)
    [error] = result.errors
    assert (error.refusal.code, error.refusal.field) == ("INVALID_VALUE", "registration_opens")
    assert (await organizers_of(database, 2026)).get("ahm") is None


async def test_an_end_that_is_not_said(database: Database) -> None:
    await loaded(database, HEADER + "1,ahm,AHM,2024-12-20,2024-12-24,,,,\n")
    await loaded(database, HEADER + "1,ahm,AHM,2029-12-20,2029-12-24,,,,\n", season=2030)
    async with database.transaction() as session:
        ends = {season.year: season.ends_on for season in await seasons.all_of(session)}
    assert ends == {2024: date(2024, 12, 31), 2030: date(2030, 12, 31)}


async def test_as_a_spreadsheet_saves_it(database: Database) -> None:
    content = (
        "\ufeffcode;name;registration_opens;registration_closes;verification_opens;verification_closes\r\n"
        "djka;Ditjen KA;04/03/2024;8 Maret 2024;;\r\n"
    )
    assert await loaded(database, content) == Loaded(2024, ("djka",), ())
    (window,) = (await organizers_of(database, 2024))["djka"].windows
    assert (window.opens_at, window.closes_at) == (
        datetime(2024, 3, 3, 17, tzinfo=UTC),
        datetime(2024, 3, 8, 17, tzinfo=UTC),
    )


async def test_an_organizer_may_have_no_window_yet(database: Database) -> None:
    content = HEADER + "1,ahm,AHM,,,,,,\n" + "2,djka,Ditjen KA,2024-03-04,,,,,via webhook atau excel\n"
    assert await loaded(database, content) == Loaded(2024, ("ahm", "djka"), ())
    found = await organizers_of(database, 2024)
    assert found["ahm"].windows == ()
    assert found["djka"].schemes == ("WEBHOOK", "EXCEL")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "2,ahm,AHM,soon,,,,,",
            (
                "line 3, registration_opens: Not a date that we know; write 2024-03-06, 06/03/2024 or"
                " 06 Mar 2024 12:00:01 WIB, for instance."
            ),
        ),
        ("2,ahm,AHM,2024-03-31,2024-03-30,,,,", "line 3, registration_closes: The last day is before the first."),
        ("2,ahm,AHM,,2024-03-30,,,,", "line 3, registration_opens: The first day is missing."),
        ("2,ahm,AHM,,,,,2024-03-30,", "line 3, verification_opens: The first day is missing."),
        ("2,ahm,AHM,,,,2024-03-30,,", "line 3, verification_closes: The last day is missing."),
        ("2,A H M,AHM,,,,,,", "line 3, code: A code has lower-case letters, digits and hyphens, at most 40."),
        ("2,ahm,Ditjen KA,,,,,,", "line 3, name: Another organizer has that name; choose another one."),
        (f"2,ahm,AHM,2024-03-04,,{'x' * 501},,,", "line 3, closes_note: At most 500 characters."),
    ],
)
async def test_a_bad_row_is_told_and_the_good_ones_load(database: Database, row: str, said: str) -> None:
    djka, hubdat = "1,djka,Ditjen KA,2024-03-04,,,,,\n", "3,hubdat,Ditjen Hubdat,2024-03-05,,,,,\n"
    result = await loaded(database, f"{HEADER}{djka}{row}\n{hubdat}")
    assert result.organizers == ("djka", "hubdat")
    assert [error.message("en") for error in result.errors] == [said]
    assert result.errors[0].message().startswith("baris 3, ")
    assert set(await organizers_of(database, 2024)) == {"djka", "hubdat"}


async def test_columns_that_are_missing(database: Database) -> None:
    result = await loaded(database, "code,registration_opens\nahm,2024-03-04\n")
    assert (result.season, result.organizers) == (None, ())
    assert [error.message("en") for error in result.errors] == [
        "line 1: Missing columns: name, registration_closes, verification_opens, verification_closes.",
        "line 1: No date tells which season it is.",
    ]
    assert await changes(database) == 0


async def test_no_season_without_a_date(database: Database) -> None:
    result = await loaded(database, f"{HEADER}1,ahm,AHM,,,,,,\n")
    assert [error.message("en") for error in result.errors] == ["line 1: No date tells which season it is."]
    assert await changes(database) == 0


async def test_a_closed_season_stays_as_it_is(database: Database) -> None:
    await loaded(database, HEADER + AHM)
    async with database.transaction() as session:
        await seasons.close(session, OPERATOR, 2024, NOW)
    result = await loaded(database, TABLE)
    assert result.organizers == ()
    assert [error.message("en") for error in result.errors] == [
        "line 1, season: Season 2024 is closed and read only; use the open one."
    ]
    assert set(await organizers_of(database, 2024)) == {"ahm"}


async def test_a_season_that_cannot_be(database: Database) -> None:
    result = await loaded(database, HEADER + AHM, season=1924)
    assert [error.column for error in result.errors] == ["season"]
    assert result.organizers == ()


def test_windows_of_a_row() -> None:
    (row,), errors = season_file.parse(HEADER + "1,djka,Ditjen KA,2024-03-04,2024-03-08,,2024-03-10,2024-03-11,\n")
    assert errors == []
    assert [given.kind for given in season_file.windows_of(row)] == ["REGISTRATION", "VERIFICATION"]
