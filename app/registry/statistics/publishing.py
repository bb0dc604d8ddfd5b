"""Figures for everybody: at 00:30 WIB the days before are taken in, and a season's files are made and frozen.

Only of seasons that Hubdat shows (`terms.seasons.publish_figures`). Past days stay as they were told. When the season
has ended, late changes are taken in once, and then the files stay as they are for ever.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import NamedTuple

import structlog

from app import clock
from app.clock import end_of_wib_day, wib_day
from app.db import Database, Session
from app.errors import Unavailable
from app.registry.halts import RUNNERS
from app.registry.statistics import public_files, taking
from app.registry.statistics.public_files import DeclaredOffer, PublicFile, ToldSeason
from app.registry.statistics.statistics import PROJECTION
from app.registry.values import cities
from app.sql import Arrays, statement

AFTER_MIDNIGHT = timedelta(minutes=30)
LOOK_EVERY_SECONDS = 60.0
LOCK_OF_THE_DUTY = 9
"""The number of the lock of its runner, among those of `registry.sweep`."""

logger = structlog.get_logger(__name__)


class _SeasonToPublish(NamedTuple):
    season: int
    until: date | None
    """None: nothing was published yet."""
    ends_on: date
    closed: bool


class _OfferedPair(NamedTuple):
    organizer: str
    direction: str
    service: str
    origin: str
    destination: str


_ONE_RUNNER = statement(f"SELECT pg_try_advisory_xact_lock({RUNNERS}, {LOCK_OF_THE_DUTY})", bool)
_DUE = statement(
    """
    SELECT s.year AS season, p.until, s.ends_on, s.closed_at IS NOT NULL AS closed
    FROM season s LEFT JOIN publication p ON p.season = s.year
    WHERE s.publishes_figures AND p.final IS NOT TRUE AND COALESCE(p.until, '-infinity') < CAST(:day AS date)
    ORDER BY s.year
    """,
    _SeasonToPublish,
)
# The first change that the tallies lack. When that one is of a later day, they have all of the days before.
_IS_COUNTED = statement(
    f"""
    SELECT COALESCE((
        SELECT c.at FROM change c
        WHERE (c.xact_id, c.id) > (COALESCE((SELECT xact_id FROM projection WHERE name = '{PROJECTION}'), '0'),
                                   COALESCE((SELECT change_id FROM projection WHERE name = '{PROJECTION}'), 0))
        ORDER BY c.xact_id, c.id LIMIT 1
    ) > CAST(:instant AS timestamptz), true)
    """,
    bool,
)
_OFFERED = statement(
    """
    SELECT r.organizer_code AS organizer, r.direction, r.service, o.city_key AS origin, d.city_key AS destination
    FROM route r JOIN terminal o ON o.code = r.origin_code JOIN terminal d ON d.code = r.destination_code
    WHERE r.season = :season AND r.merged_into IS NULL AND NOT r.provisional
    GROUP BY 1, 2, 3, 4, 5
    """,
    _OfferedPair,
)
_FILES = Arrays("file", PublicFile)
_SAVE_FILES = statement(
    f"""
    INSERT INTO public_file (season, name, content, digest) SELECT :season, name, content, digest FROM {_FILES}
    ON CONFLICT (season, name) DO UPDATE SET content = excluded.content, digest = excluded.digest
    """
)
_SAVE = statement(
    """
    INSERT INTO publication (season, until, final) VALUES (:season, :until, :final)
    ON CONFLICT (season) DO UPDATE SET until = excluded.until, final = excluded.final
    """
)


async def run(database: Database, stop: asyncio.Event) -> None:
    """Look every `LOOK_EVERY_SECONDS` whether a day is to be published, until `stop`."""
    while not stop.is_set():
        try:
            for season in await publish_due(database, clock.now()):
                logger.info("figures.published", season=season)
        except Unavailable:
            logger.warning("figures.unavailable")
        try:
            await asyncio.wait_for(stop.wait(), LOOK_EVERY_SECONDS)
        except TimeoutError:
            continue


async def publish_due(database: Database, now: datetime) -> list[int]:
    """Publish what is due, each season in a transaction, unless another runner does. Answers the seasons."""
    day = wib_day(now - AFTER_MIDNIGHT) - timedelta(days=1)

    async def next_one(session: Session) -> int | None:
        if not await session.one(_ONE_RUNNER):
            return None
        due = await session.first(_DUE, day=day)
        if due is None or not await session.one(_IS_COUNTED, instant=end_of_wib_day(day)):
            return None
        await _publish(session, due, day)
        return due.season

    published = []
    while (season := await database.attempt(next_one)) is not None:
        published.append(season)
    return published


async def _publish(session: Session, due: _SeasonToPublish, day: date) -> None:
    # What arrives on the day after the last one is not late yet.
    final = due.closed or day > due.ends_on
    since = date.min if final or due.until is None else due.until
    told = ToldSeason(
        season=due.season,
        until=day,
        final=final,
        counts=await taking.take_days(session, due.season, since, day),
        stages=await taking.take_stages(session, due.season),
        offer=await _offer(session, due.season),
    )
    await session.run(_SAVE_FILES, season=due.season, **_FILES.of(await asyncio.to_thread(public_files.made, told)))
    await session.run(_SAVE, season=due.season, until=day, final=final)


async def _offer(session: Session, season: int) -> DeclaredOffer:
    rows = await session.rows(_OFFERED, season=season)
    named = [(cities.official(row.origin), cities.official(row.destination), row.service) for row in rows]
    return DeclaredOffer(
        organizers=frozenset((row.organizer, row.direction, row.service) for row in rows),
        cities=frozenset(
            (origin or taking.ELSEWHERE, destination or taking.ELSEWHERE, service)
            for origin, destination, service in named
        ),
    )
