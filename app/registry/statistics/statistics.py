"""Statistics as they are read: people from the tallies (`models.tally`), seats from the routes; never from registrants.

All that one request asks for is read of one moment. An organizer's people are those that it registered, whosever route
they travel on; its quota is that of its own routes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text

from app.db import Session
from app.errors import NotFound, RefusalError, refuses
from app.models.tally import EVERYBODY
from app.registry.routes import quota, route
from app.registry.statistics.counting import NOTHING, PEOPLE, Cell, Counts, Deadline, Departure, Head, Overlaps, Pair
from app.registry.terms import seasons

PROJECTION = "statistics"
"""Under this name the projector keeps its place in the log."""
HOUR = timedelta(hours=1)
MOST_PAIRS = 200
"""That are told of; all are counted."""


@dataclass(frozen=True, slots=True)
class Where:
    organizers: frozenset[str] | None = None
    """None: everybody."""
    direction: str | None = None
    service: str | None = None
    since: date | None = None
    """The first day (WIB) of registration."""
    until: date | None = None
    """The last one."""
    season: int | None = None
    """None: the current one."""


class Part(StrEnum):
    HEAD = "HEAD"
    NAMES = "NAMES"
    CELLS = "CELLS"
    DAYS = "DAYS"
    DEADLINES = "DEADLINES"
    OVERLAPS = "OVERLAPS"
    DEPARTURES = "DEPARTURES"


@dataclass(frozen=True, slots=True)
class Page:
    """`first` routes in the order of departure, from behind the route `after`."""

    first: int
    after: UUID | None = None
    upcoming: bool = False
    """Only those that have not departed."""


@dataclass(frozen=True, slots=True)
class Asked:
    where: Where
    part: Part
    page: Page | None = None


@dataclass(slots=True)
class Moment:
    """What everything is read of."""

    session: Session
    now: datetime
    latest: int | None
    uncounted_at: datetime | None
    names: dict[str, str]
    """Of every organizer."""

    def season(self, where: Where) -> int:
        season = self.latest if where.season is None else where.season
        if season is None:
            raise RefusalError(NotFound("season"))
        return season

    def organizers(self, where: Where) -> list[str]:
        return sorted(self.names if where.organizers is None else where.organizers & self.names.keys())

    def scope(self, ones: Sequence[Asked], *, together: bool) -> dict[str, Any]:
        """Each answer's place beside each of its organizers; `together`: everybody is one."""
        pairs = [
            (place, code)
            for place, one in enumerate(ones)
            for code in ([EVERYBODY] if together and one.where.organizers is None else self.organizers(one.where))
        ]
        return {"places": [place for place, _ in pairs], "organizers": [code for _, code in pairs]}

    def values(self, where: Where) -> dict[str, Any]:
        return {
            "season": self.season(where),
            "direction": where.direction,
            "service": where.service,
            "since": where.since or date.min,
            "until": where.until or date.max,
        }


_SUMS = ", ".join(f"CAST(sum(t.{name}) AS bigint) AS {name}" for name in PEOPLE)
_ASKED = "unnest(CAST(:places AS int[]), CAST(:organizers AS text[])) AS asked (place, organizer_code)"
_KIND = """
    {0}.season = :season AND (CAST(:direction AS text) IS NULL OR {0}.direction = :direction)
    AND (CAST(:service AS text) IS NULL OR {0}.service = :service)
"""
_DAY = "t.day BETWEEN CAST(:since AS date) AND CAST(:until AS date)"
_FROM = f"FROM {_ASKED} JOIN {{0}} t ON t.organizer_code = asked.organizer_code WHERE {_KIND.format('t')}"

_ONE_MOMENT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
# Unlike the rest of ours these statements read many rows or few, as is asked: they are planned for what is asked.
_HEAD = text(
    f"""
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true), {seasons.LATEST} AS latest,
           (SELECT json_object_agg(code, name)::text FROM organizer) AS names,
           (SELECT c.at FROM change c
            WHERE (c.xact_id, c.id) > (COALESCE((SELECT xact_id FROM projection WHERE name = '{PROJECTION}'), '0'),
                                       COALESCE((SELECT change_id FROM projection WHERE name = '{PROJECTION}'), 0))
            ORDER BY c.xact_id, c.id LIMIT 1) AS uncounted_at
    """
)
_SELECT_CELLS = f"SELECT asked.place, t.organizer_code, t.direction, t.service, {_SUMS} {_FROM}"
_CELLS = text(f"{_SELECT_CELLS.format('tally')} GROUP BY 1, 2, 3, 4")
_CELLS_OF_DAYS = text(f"{_SELECT_CELLS.format('tally_day')} AND {_DAY} GROUP BY 1, 2, 3, 4")
_SEATS = text(
    f"""
    SELECT asked.place, r.organizer_code, r.direction, r.service, CAST(sum(r.taken) AS bigint) AS seated,
           CAST(sum(r.quota + COALESCE(due.seats, 0)) AS bigint) AS quota
    FROM {_ASKED} JOIN route r ON r.organizer_code = asked.organizer_code
    LEFT JOIN {quota.DUE_SEATS} due ON due.route_id = r.id
    WHERE {_KIND.format("r")} AND r.quota IS NOT NULL AND r.merged_into IS NULL
    GROUP BY 1, 2, 3, 4
    """
)
_DAYS = text(f"SELECT asked.place, t.day, {_SUMS} {_FROM.format('tally_day')} AND {_DAY} GROUP BY 1, 2 ORDER BY 2")
_DEADLINES = text(
    f"""
    SELECT asked.place, NULLIF(t.verify_by, 'infinity') AS verify_by, CAST(sum(t.waiting) AS bigint) AS waiting
    {_FROM.format("tally_deadline")} AND {_DAY} GROUP BY 1, t.verify_by ORDER BY t.verify_by
    """
)
_OVERLAPS = """
    WITH pair AS (
        SELECT t.holder, t.claimant, CAST(sum(t.refused) AS bigint) AS refused,
               CAST(sum(t.suspected) AS bigint) AS suspected
        FROM {source} GROUP BY 1, 2
    ), seen AS ({seen}
    ), ranked AS (
        SELECT seen.*, CAST(sum(refused) OVER (PARTITION BY place) AS bigint) AS together,
               row_number() OVER (PARTITION BY place ORDER BY refused DESC, suspected DESC, holder, claimant) AS rank
        FROM seen
    )
    SELECT * FROM ranked WHERE rank <= :most ORDER BY rank
"""
_ALL_DUPLICATES = "tally_pair t WHERE t.season = :season"
_SOME_DUPLICATES = f"tally_duplicate t WHERE {_KIND.format('t')} AND {_DAY}"
_BY_EVERYBODY = "SELECT place, pair.* FROM unnest(CAST(:places AS int[])) AS asked (place) CROSS JOIN pair"
# Of two of one's own a pair is one all the same.
_BY_ONE_SIDE = f"""
    SELECT place, pair.* FROM {_ASKED} JOIN pair ON pair.holder = asked.organizer_code
    UNION SELECT place, pair.* FROM {_ASKED} JOIN pair ON pair.claimant = asked.organizer_code
"""
_PAIRS = {
    (whole, everybody): text(
        _OVERLAPS.format(
            source=_ALL_DUPLICATES if whole else _SOME_DUPLICATES,
            seen=_BY_EVERYBODY if everybody else _BY_ONE_SIDE,
        )
    )
    for whole in (True, False)
    for everybody in (True, False)
}
_OF_SOME = """
    (r.organizer_code = ANY(CAST(:organizers AS text[]))
     OR (r.organizer_code IN (SELECT coordinator_code FROM organizer WHERE code = ANY(CAST(:organizers AS text[])))
         AND EXISTS (SELECT FROM tally_route t
                     WHERE t.route_id = r.id AND t.organizer_code = ANY(CAST(:organizers AS text[])))))
"""
_PAGE = f"""
    SELECT r.id FROM route r
    WHERE {_KIND.format("r")} AND {{whose}} AND r.merged_into IS NULL
      AND (CAST(:departs_from AS timestamptz) IS NULL OR r.departs_at >= :departs_from)
      AND (CAST(:after AS uuid) IS NULL
           OR (COALESCE(r.departs_at, 'infinity'), r.id) > (SELECT COALESCE(departs_at, 'infinity'), id FROM route
                                                            WHERE id = :after))
    ORDER BY r.departs_at, r.id LIMIT :first
"""
_PAGE_OF_ALL, _PAGE_OF_SOME = text(_PAGE.format(whose="true")), text(_PAGE.format(whose=_OF_SOME))
_ABOARD = text(
    f"""
    SELECT t.route_id, {_SUMS} FROM tally_route t
    WHERE t.route_id = ANY(CAST(:ids AS uuid[])) AND t.organizer_code = ANY(CAST(:organizers AS text[])) AND {_DAY}
    GROUP BY 1
    """
)


@refuses(NotFound)
async def read(session: Session, asked: Sequence[Asked], now: datetime) -> list[Any]:
    """The answers in the order of `asked`, of one moment: the first thing that its transaction does.

    Raises NotFound when there is no season at all.
    """
    await session.execute(_ONE_MOMENT)
    head = (await session.execute(_HEAD)).one()
    moment = Moment(session, now, head.latest, head.uncounted_at, orjson.loads(head.names or "{}"))
    alike: dict[tuple[Part, Where], list[Asked]] = defaultdict(list)
    for one in dict.fromkeys(asked):
        alike[one.part, replace(one.where, organizers=None)].append(one)
    answers: dict[Asked, Any] = {}
    for (part, where), ones in alike.items():
        answers |= zip(ones, await _READERS[part](moment, where, ones), strict=True)
    return [answers[one] for one in asked]


async def _heads(moment: Moment, where: Where, ones: Sequence[Asked]) -> list[Head]:
    """What is behind the projector's place is not counted: the figures are those of before the first of it."""
    as_of = min(moment.now, moment.uncounted_at or moment.now)
    return [Head(moment.season(where), as_of)] * len(ones)


async def _names(moment: Moment, where: Where, ones: Sequence[Asked]) -> list[dict[str, str]]:  # noqa: ARG001 - a reader
    return [moment.names] * len(ones)


async def _cells(moment: Moment, where: Where, ones: Sequence[Asked]) -> list[list[Cell]]:
    values = {**moment.values(where), **moment.scope(ones, together=False)}
    found: list[dict[tuple[str, str, str], Counts]] = [{} for _ in ones]
    statement = _CELLS if where.since is None and where.until is None else _CELLS_OF_DAYS
    for row in await moment.session.execute(statement, values):
        found[row.place][row.organizer_code, row.direction, row.service] = _people(row)
    for row in await moment.session.execute(_SEATS, {**values, "now": moment.now}):
        key = (row.organizer_code, row.direction, row.service)
        found[row.place][key] = replace(found[row.place].get(key, NOTHING), quota=row.quota, seated=row.seated)
    return [[Cell(*key, counts) for key, counts in sorted(cells.items())] for cells in found]


async def _days(moment: Moment, where: Where, ones: Sequence[Asked]) -> list[list[tuple[date, Counts]]]:
    found: list[list[tuple[date, Counts]]] = [[] for _ in ones]
    for row in await moment.session.execute(_DAYS, {**moment.values(where), **moment.scope(ones, together=True)}):
        found[row.place].append((row.day, _people(row)))
    return found


async def _deadlines(moment: Moment, where: Where, ones: Sequence[Asked]) -> list[list[Deadline]]:
    this_hour = moment.now.replace(minute=0, second=0, microsecond=0)
    found: list[list[Deadline]] = [[] for _ in ones]
    for row in await moment.session.execute(_DEADLINES, {**moment.values(where), **moment.scope(ones, together=True)}):
        hours = None if row.verify_by is None else (row.verify_by - this_hour) // HOUR
        found[row.place].append(Deadline(hours, row.waiting))
    return found


async def _overlaps(moment: Moment, where: Where, ones: Sequence[Asked]) -> list[Overlaps]:
    """Of those pairs in which one of the organizers is one side."""
    found: dict[Asked, Overlaps] = {}
    for everybody in (True, False):
        some = [one for one in ones if (one.where.organizers is None) is everybody]
        found |= zip(some, await _pairs(moment, where, some, everybody=everybody), strict=True)
    return [found[one] for one in ones]


async def _pairs(moment: Moment, where: Where, ones: Sequence[Asked], *, everybody: bool) -> list[Overlaps]:
    if not ones:
        return []
    statement = _PAIRS[where == Where(season=where.season), everybody]
    found: list[list[Row[Any]]] = [[] for _ in ones]
    values = {**moment.values(where), "most": MOST_PAIRS}
    values |= {"places": list(range(len(ones)))} if everybody else moment.scope(ones, together=False)
    for row in await moment.session.execute(statement, values):
        found[row.place].append(row)
    return [
        Overlaps(
            rows[0].together if rows else 0,
            [Pair(row.holder, row.claimant, row.refused, row.suspected) for row in rows],
        )
        for rows in found
    ]


async def _departures(moment: Moment, where: Where, ones: Sequence[Asked]) -> list[list[Departure]]:
    return [await _page(moment, where, one) for one in ones]


async def _page(moment: Moment, where: Where, one: Asked) -> list[Departure]:
    assert one.page is not None  # noqa: S101 - this part is asked for by pages
    values = {**moment.values(where), "organizers": moment.organizers(one.where)}
    page = {
        "after": one.page.after,
        "first": one.page.first,
        "departs_from": moment.now if one.page.upcoming else None,
    }
    statement = _PAGE_OF_ALL if one.where.organizers is None else _PAGE_OF_SOME
    ids = list((await moment.session.execute(statement, {**values, **page})).scalars())
    aboard = {row.route_id: _people(row) for row in await moment.session.execute(_ABOARD, {**values, "ids": ids})}
    found = await route.by_ids(moment.session, ids, moment.now)
    return [
        Departure(one, replace(aboard.get(one.id, NOTHING), quota=one.quota, seated=one.taken)) for one in found if one
    ]


def _people(row: Row[Any]) -> Counts:
    """Its last columns are `_SUMS`."""
    return Counts(*row[-len(PEOPLE) :])


_READERS: Mapping[Part, Callable[[Moment, Where, Sequence[Asked]], Awaitable[list[Any]]]] = MappingProxyType(
    {
        Part.HEAD: _heads,
        Part.NAMES: _names,
        Part.CELLS: _cells,
        Part.DAYS: _days,
        Part.DEADLINES: _deadlines,
        Part.OVERLAPS: _overlaps,
        Part.DEPARTURES: _departures,
    }
)
