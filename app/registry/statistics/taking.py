"""Takes days into the figures for everybody, from the tallies alone.

A day is taken in once, as the tallies have it then. What comes later of that day waits until the season has ended.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from app.db import Session
from app.registry.statistics import groups
from app.registry.statistics.groups import Day
from app.registry.values import cities
from app.sql import Arrays, statement

ELSEWHERE = "Lainnya"
"""A place that nobody knows: somebody typed its name, so the name is not told."""
_PEOPLE_AT_STAGE = {"VERIFIED": "ever_verified", "DEPARTED": "departed"}
"""The column of a tally that counts who came to a stage."""
STAGES = tuple(_PEOPLE_AT_STAGE)
"""Behind being registered. Everybody who came to a stage counts there, whatever became of them."""


class Group(NamedTuple):
    """People who are always told together."""

    organizer: str
    direction: str
    service: str
    origin: str
    destination: str


class TallyRow(NamedTuple):
    """People of a day, by the keys of their cities."""

    organizer: str
    direction: str
    service: str
    origin: str
    destination: str
    day: date
    people: int


class CountRow(NamedTuple):
    """What is told of a group on a day."""

    organizer: str
    direction: str
    service: str
    origin: str
    destination: str
    day: date
    seen: int
    counted: int

    @property
    def group(self) -> Group:
        return Group(*self[:5])


class StageRow(NamedTuple):
    direction: str
    service: str
    stage: str
    counted: int


_PEOPLE = "registered + t.verified + t.departed + t.forfeited + t.cancelled + t.no_show"
_TALLIES = statement(
    f"""
    SELECT t.organizer_code AS organizer, r.direction, r.service, o.city_key AS origin, d.city_key AS destination,
           t.day, CAST(sum(t.{_PEOPLE}) AS int) AS people
    FROM route r JOIN terminal o ON o.code = r.origin_code JOIN terminal d ON d.code = r.destination_code
    JOIN tally_route t ON t.route_id = r.id
    WHERE r.season = :season AND t.day > CAST(:since AS date) AND t.day <= CAST(:until AS date)
    GROUP BY 1, 2, 3, 4, 5, 6
    """,
    TallyRow,
)
_STAGE_VALUES = ", ".join(f"('{stage}', t.{column})" for stage, column in _PEOPLE_AT_STAGE.items())
_STAGES = statement(
    f"""
    SELECT t.direction, t.service, stage.name AS stage, CAST(sum(stage.people) AS int) AS counted
    FROM tally t CROSS JOIN LATERAL (VALUES {_STAGE_VALUES}) AS stage (name, people)
    WHERE t.season = :season GROUP BY 1, 2, 3
    """,
    StageRow,
)
_COUNT_COLUMNS = "direction, service, origin, destination, day, seen, counted"
_COUNTED = statement(
    f"SELECT organizer_code AS organizer, {_COUNT_COLUMNS} FROM public_count WHERE season = :season", CountRow
)
_STAGED = statement("SELECT direction, service, stage, counted FROM public_stage WHERE season = :season", StageRow)
_COUNTS, _STAGE_ROWS = Arrays("one", CountRow), Arrays("one", StageRow)
_SAVE_COUNTS = statement(
    f"""
    INSERT INTO public_count (season, organizer_code, {_COUNT_COLUMNS})
    SELECT :season, organizer, {_COUNT_COLUMNS} FROM {_COUNTS}
    ON CONFLICT (season, organizer_code, direction, service, origin, destination, day)
        DO UPDATE SET seen = excluded.seen, counted = excluded.counted
    """
)
_SAVE_STAGES = statement(
    f"""
    INSERT INTO public_stage (season, direction, service, stage, counted)
    SELECT :season, direction, service, stage, counted FROM {_STAGE_ROWS}
    ON CONFLICT (season, direction, service, stage) DO UPDATE SET counted = excluded.counted
    """
)


async def take_days(session: Session, season: int, since: date, until: date) -> list[CountRow]:
    """Take in the days behind `since`. Answers all that is told of the season now.

    At the season's end `since` is before its first day: each day is settled anew, against what was told of it.
    """
    told = await session.rows(_COUNTED, season=season)
    tallies = await session.rows(_TALLIES, season=season, since=since, until=until)
    # In a thread: for a large season it is a second of work, for which requests would wait.
    rows = await asyncio.to_thread(lambda: settled(told, by_group(tallies), since))
    await session.run(_SAVE_COUNTS, season=season, **_COUNTS.of(rows))
    return list(({_key(row): row for row in told} | {_key(row): row for row in rows}).values())


async def take_stages(session: Session, season: int) -> list[StageRow]:
    """Settle how many have come to each stage by now."""
    before = {row[:3]: row.counted for row in await session.rows(_STAGED, season=season)}
    rows = [
        row._replace(counted=groups.settled(row.counted, before.get(row[:3], 0)))
        for row in await session.rows(_STAGES, season=season)
    ]
    await session.run(_SAVE_STAGES, season=season, **_STAGE_ROWS.of(rows))
    return rows


def by_group(tallies: Iterable[TallyRow]) -> dict[Group, dict[date, int]]:
    """People of each group by day. Two spellings of a place that nobody knows are one place here."""
    people: defaultdict[Group, dict[date, int]] = defaultdict(dict)
    for one in tallies:
        places = [cities.official(key) or ELSEWHERE for key in (one.origin, one.destination)]
        days = people[Group(one.organizer, one.direction, one.service, *places)]
        days[one.day] = days.get(one.day, 0) + one.people
    return people


def settled(told: Iterable[CountRow], people: Mapping[Group, Mapping[date, int]], since: date) -> list[CountRow]:
    """What is told from now on of the days behind `since`, where `told` was told before."""
    carried: Counter[Group] = Counter()
    known: defaultdict[Group, dict[date, CountRow]] = defaultdict(dict)
    for row in told:
        carried[row.group] += row.seen - row.counted
        if row.day > since:
            known[row.group][row.day] = row
    rows: list[CountRow] = []
    for group in people.keys() | known.keys():
        # Whoever moved to another route since is missing in the tallies of this one.
        now = {**dict.fromkeys(known[group], 0), **people.get(group, {})}
        rows += _of_group(group, known[group], now, carried[group])
    return rows


def _of_group(
    group: Group, known: Mapping[date, CountRow], people: Mapping[date, int], carried: int
) -> Iterator[CountRow]:
    before = {day: known.get(day, CountRow(*group, day, 0, 0)) for day in sorted(people)}
    days = [Day(day, people[day] - row.seen, row.counted) for day, row in before.items()]
    for day, counted in groups.settle(days, carried):
        yield CountRow(*group, day, people[day], counted)


def _key(row: CountRow) -> tuple[Group, date]:
    return row.group, row.day
