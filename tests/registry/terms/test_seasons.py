"""Seasons: the newest open one is the current one; a closed one is read only."""

from datetime import date

import pytest

from app.db import Database
from app.errors import InvalidValue, NotFound, RefusalError, SeasonClosed
from app.registry.terms import seasons
from app.registry.terms.seasons import Season
from tests.world import HUBDAT, NOW, World

pytestmark = pytest.mark.anyio


async def test_without_an_open_season_there_is_no_current_one(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(RefusalError) as refused:
            await seasons.current(session)
    assert refused.value.refusal == NotFound("season", what="openSeason")


async def test_what_is_shown_is_the_current_season_and_after_all_have_closed_the_newest(world: World) -> None:
    async with world.database.transaction() as session:
        await seasons.save(session, HUBDAT, 2027, date(2027, 4, 30), NOW)
        await seasons.close(session, HUBDAT, 2027, NOW)
        assert await seasons.latest(session) == 2026
        await seasons.close(session, HUBDAT, 2026, NOW)
        assert await seasons.latest(session) == 2027


async def test_without_any_season_there_is_none_to_show(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(RefusalError) as refused:
            await seasons.latest(session)
    assert refused.value.refusal == NotFound("season")


async def test_the_current_season_is_the_newest_open_one(world: World) -> None:
    async with world.database.transaction() as session:
        await seasons.save(session, HUBDAT, 2027, date(2027, 4, 30), NOW)
        assert await seasons.current(session) == 2027
        closed = await seasons.close(session, HUBDAT, 2027, NOW)
        assert closed == Season(year=2027, ends_on=date(2027, 4, 30), closed_at=NOW)
        assert await seasons.current(session) == 2026
        assert await seasons.all_of(session) == [closed, Season(year=2026, ends_on=date(2026, 4, 30))]


async def test_a_season_is_saved_once_and_its_end_can_move(world: World) -> None:
    async with world.database.transaction() as session:
        for ends_on in (date(2026, 4, 30), date(2026, 5, 10), date(2026, 5, 10)):
            assert await seasons.save(session, HUBDAT, 2026, ends_on, NOW) == Season(year=2026, ends_on=ends_on)
    changes = await world.run("SELECT kind, season, client_id, facts FROM change")
    assert changes == [
        ("SEASON_SAVED", 2026, "hubdat-test", {"ends_on": "2026-05-10", "was": {"ends_on": "2026-04-30"}})
    ]


async def test_closing_again_changes_nothing(world: World) -> None:
    async with world.database.transaction() as session:
        first = await seasons.close(session, HUBDAT, 2026, NOW)
        assert await seasons.close(session, HUBDAT, 2026, NOW.replace(hour=5)) == first
    assert await world.run("SELECT kind, facts FROM change") == [
        ("SEASON_SAVED", {"closed": True, "was": {"closed": False}})
    ]


async def test_a_closed_season_is_read_only(world: World) -> None:
    async with world.database.transaction() as session:
        await seasons.close(session, HUBDAT, 2026, NOW)
        refusal = await seasons.require_open(session, 2026)
        assert isinstance(refusal, SeasonClosed)
        assert (refusal.field, refusal.season) == ("season", 2026)
        assert isinstance(await seasons.save(session, HUBDAT, 2026, date(2026, 6, 1), NOW), SeasonClosed)
    assert await world.one("SELECT ends_on FROM season") == date(2026, 4, 30)


async def test_a_season_that_is_not_there(world: World) -> None:
    async with world.database.transaction() as session:
        assert await seasons.find(session, 2030) is None
        assert isinstance(await seasons.require_open(session, 2030), NotFound)
        assert isinstance(await seasons.close(session, HUBDAT, 2030, NOW), NotFound)
        assert await seasons.require_open(session, 2026) == Season(year=2026, ends_on=date(2026, 4, 30))


@pytest.mark.parametrize(
    ("year", "ends_on", "field"),
    [(1999, date(1999, 4, 30), "season"), (2201, date(2201, 4, 30), "season"), (2028, date(2029, 1, 1), "endsOn")],
)
async def test_a_season_ends_in_its_own_year(world: World, year: int, ends_on: date, field: str) -> None:
    async with world.database.transaction() as session:
        refusal = await seasons.save(session, HUBDAT, year, ends_on, NOW)
    assert isinstance(refusal, InvalidValue)
    assert refusal.field == field
    assert await world.count("season") == 1
    assert await world.count("change") == 0
