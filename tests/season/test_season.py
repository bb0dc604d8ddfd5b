"""A season lived through: the ministry's table of 2024, its people, and a clock that is moved to the purge.

The clock goes hour by hour over the active days and day by day from there. `--season-people` says how many people live
through the season, `--season-seed` which of their lives.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import wib_day
from app.models.enums import ChangeKind
from app.models.personal_columns import PERSONAL_COLUMNS
from app.registry import retention
from app.registry.terms import seasons
from tests.databases import as_a_server
from tests.season import midnight
from tests.season.acts import APPLIED, script
from tests.season.cast import SECOND_WAVE, cast
from tests.season.stage import BEGINS, HUBDAT, Stage, built

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

ACTIVE_DAYS = 60
WAVE_BEGINS = min(first for first, _ in SECOND_WAVE.values())
NAMES_SOMEBODY = " OR ".join(f"{column} IS NOT NULL" for column in PERSONAL_COLUMNS["registrant"])


@pytest.fixture
def people(pytestconfig: pytest.Config) -> int:
    count: int = pytestconfig.getoption("season_people")
    return count


@pytest.fixture
def seed(pytestconfig: pytest.Config, people: int) -> int:
    given = pytestconfig.getoption("season_seed")
    seed: int = random.randrange(1_000_000) if given is None else given  # noqa: S311 - a test's dice
    print(f"--season-people {people} --season-seed {seed}")  # noqa: T201 - to live the same season again
    return seed


@pytest.fixture
def server_url(servers_url: str) -> Iterator[str]:
    with as_a_server(servers_url) as url:
        yield url


async def test_a_season_is_lived_through(
    servers_url: str, server_url: str, tmp_path: Path, people: int, seed: int
) -> None:
    async with built(servers_url, server_url, tmp_path, people) as stage:
        follower, written = midnight.Follower(), script(stage, cast(seed, people))
        for hour in range(ACTIVE_DAYS * 24):
            now = BEGINS + timedelta(hours=hour)
            await written.until(now)
            stage.now = now
            await stage.sweep()
            if hour % 24 == 0:
                await follower.check(stage)
                await midnight.check(stage)
        await everything_was_done(stage)
        await until_the_end(stage, follower)
        await until_the_purge(stage)
        await follower.catch_up(stage)
        # What a season without these would not have shown.
        assert {"NIK_ALREADY_REGISTERED", "QUOTA_FULL", "VERIFICATION_EXPIRED"} <= stage.refusals.keys()
        assert set(follower.statuses.values()) == {"REGISTERED", "DEPARTED", "NO_SHOW", "FORFEITED", "CANCELLED"}
        assert stage.checked.keys() >= {"AVAILABLE", "REGISTERED"}
        assert stage.aboard


async def everything_was_done(stage: Stage) -> None:
    """A second wave, lap infants, and a list that moved people."""
    done = f"""SELECT EXISTS (SELECT FROM registrant WHERE lap_infant) AS infants, EXISTS (
            SELECT FROM registrant WHERE organizer_code = ANY(:waves) AND registered_at >= '{WAVE_BEGINS}') AS wave,
        EXISTS (SELECT FROM change WHERE kind = '{ChangeKind.REGISTRANT_REROUTED}'
                AND organizer_code = ANY(:lists)) AS moved"""
    [found] = await stage.world.run(done, waves=list(SECOND_WAVE), lists=list(APPLIED))
    assert tuple(found) == (True, True, True)


async def until_the_end(stage: Stage, follower: midnight.Follower) -> None:
    """Day by day, with a look every week. Then Hubdat closes the season."""
    days, ends_on = 0, await stage.world.one("SELECT ends_on FROM season")
    while wib_day(stage.now) <= ends_on:
        stage.now += timedelta(days=1)
        await stage.sweep()
        days += 1
        if days % 7 == 0:
            await follower.check(stage)
            await midnight.check(stage)
    async with stage.world.database.transaction() as session:
        await seasons.close(session, HUBDAT, 2024, stage.now)


async def until_the_purge(stage: Stage) -> None:
    """Day by day. Nothing of anybody is left at the end."""
    days = 0
    while (await stage.sweep()).seasons_purged == 0:
        stage.now += timedelta(days=1)
        days += 1
    ends_on = await stage.world.one("SELECT ends_on FROM season")
    assert wib_day(stage.now) == ends_on + retention.RETENTION + timedelta(days=1), days
    assert await stage.world.one(f"SELECT count(*) FROM registrant WHERE {NAMES_SOMEBODY}") == 0
