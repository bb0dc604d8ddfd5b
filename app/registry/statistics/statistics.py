"""Statistics as they are read: people from the tallies (`models.tally`), seats from the routes, never from registrants.

All that one request asks for is read of one moment. The people of an organizer are those that it registered, whosever
route they travel on. The quota of an organizer is that of its own routes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from app.db import Session
from app.errors import NotFound, refuses
from app.registry.routes import quota
from app.registry.statistics import departures
from app.registry.statistics.counting import (
    NOTHING,
    Cell,
    Counts,
    FiguresHead,
    Overlaps,
    Pair,
    People,
    WaitingPeople,
    people_of,
)
from app.registry.statistics.moment import ASKED, ASKED_OF_ALL, DAY, KIND, SUMS, AskedOfEverybody, FiguresMoment
from app.registry.statistics.questions import Part, Question, Selection
from app.registry.terms import seasons
from app.sql import statement

PROJECTION = "statistics"
"""Under this name the projector keeps its place in the log."""
HOUR = timedelta(hours=1)
MOST_PAIRS = 200
"""An answer lists at most so many pairs. Its totals are of all pairs."""


class _StatisticsHead(NamedTuple):
    plan_cache_mode: str
    latest: int | None
    names_json: str
    uncounted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _CellRow(People):
    place: int
    organizer: str
    direction: str
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _DayRow(People):
    place: int
    day: date


class _SeatsRow(NamedTuple):
    place: int
    organizer: str
    direction: str
    service: str
    seated: int
    quota: int


class _DeadlineRow(NamedTuple):
    place: int
    verify_by: datetime | None
    waiting: int


class _PairRow(NamedTuple):
    place: int
    holder: str
    claimant: str
    refused: int
    suspected: int
    refused_in_all: int


_FROM = f"FROM {ASKED} JOIN {{0}} t ON t.organizer_code = asked.organizer WHERE {KIND.format('t')}"

# Other statements of ours are planned once for whatever they are given. These read few rows or many, as is asked: each
# is planned for what is asked.
_HEAD = statement(
    f"""
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS plan_cache_mode, {seasons.LATEST} AS latest,
           (SELECT CAST(coalesce(json_object_agg(code, name), '{{}}') AS text) FROM organizer) AS names_json,
           (SELECT c.at FROM change c
            WHERE (c.xact_id, c.id) > (COALESCE((SELECT xact_id FROM projection WHERE name = '{PROJECTION}'), '0'),
                                       COALESCE((SELECT change_id FROM projection WHERE name = '{PROJECTION}'), 0))
            ORDER BY c.xact_id, c.id LIMIT 1) AS uncounted_at
    """,
    _StatisticsHead,
)
_SELECT_CELLS = f"SELECT asked.place, asked.organizer, t.direction, t.service, {SUMS} {_FROM}"
_CELLS = statement(f"{_SELECT_CELLS.format('tally')} GROUP BY 1, 2, 3, 4", _CellRow)
_CELLS_OF_DAYS = statement(f"{_SELECT_CELLS.format('tally_day')} AND {DAY} GROUP BY 1, 2, 3, 4", _CellRow)
_SEATS = statement(
    f"""
    SELECT asked.place, asked.organizer, r.direction, r.service, CAST(sum(r.taken) AS bigint) AS seated,
           CAST(sum(r.quota + COALESCE(due.seats, 0)) AS bigint) AS quota
    FROM {ASKED} JOIN route r ON r.organizer_code = asked.organizer
    LEFT JOIN {quota.DUE_SEATS} due ON due.route_id = r.id
    WHERE {KIND.format("r")} AND r.quota IS NOT NULL AND r.merged_into IS NULL
    GROUP BY 1, 2, 3, 4
    """,
    _SeatsRow,
)
_DAYS = statement(
    f"SELECT asked.place, t.day, {SUMS} {_FROM.format('tally_day')} AND {DAY} GROUP BY 1, 2 ORDER BY 2", _DayRow
)
_DEADLINES = statement(
    f"""
    SELECT asked.place, NULLIF(t.verify_by, 'infinity') AS verify_by, CAST(sum(t.waiting) AS bigint) AS waiting
    {_FROM.format("tally_deadline")} AND {DAY} GROUP BY 1, t.verify_by ORDER BY t.verify_by
    """,
    _DeadlineRow,
)
_OVERLAPS = """
    WITH pair AS (
        SELECT t.holder, t.claimant, CAST(sum(t.refused) AS bigint) AS refused,
               CAST(sum(t.suspected) AS bigint) AS suspected
        FROM {source} GROUP BY 1, 2
    ), seen AS ({seen}
    ), ranked AS (
        SELECT seen.*, CAST(sum(refused) OVER (PARTITION BY place) AS bigint) AS refused_in_all,
               row_number() OVER (PARTITION BY place ORDER BY refused DESC, holder, claimant) AS rank
        FROM seen
    )
    SELECT place, holder, claimant, refused, suspected, refused_in_all FROM ranked WHERE rank <= :most ORDER BY rank
"""
_ALL_DUPLICATES = "tally_pair t WHERE t.season = :season"
_SOME_DUPLICATES = f"tally_duplicate t WHERE {KIND.format('t')} AND {DAY}"
_BY_EVERYBODY = f"SELECT place, pair.* FROM {ASKED_OF_ALL} CROSS JOIN pair"
# A pair of which both organizers are asked for is counted once: UNION drops the second row.
_BY_ONE_SIDE = f"""
    SELECT place, pair.* FROM {ASKED} JOIN pair ON pair.holder = asked.organizer
    UNION SELECT place, pair.* FROM {ASKED} JOIN pair ON pair.claimant = asked.organizer
"""
_PAIRS = {
    (whole, everybody): statement(
        _OVERLAPS.format(
            source=_ALL_DUPLICATES if whole else _SOME_DUPLICATES,
            seen=_BY_EVERYBODY if everybody else _BY_ONE_SIDE,
        ),
        _PairRow,
    )
    for whole in (True, False)
    for everybody in (True, False)
}


@refuses(NotFound)
async def read(session: Session, questions: Sequence[Question], now: datetime) -> list[Any]:
    """The answers in the order of `questions`, of one moment. It is the first thing that a transaction does.

    Raises NotFound when there is no season at all.
    """
    await session.begin_snapshot()
    head = await session.one(_HEAD)
    moment = FiguresMoment(
        session=session,
        now=now,
        latest=head.latest,
        uncounted_at=head.uncounted_at,
        names=orjson.loads(head.names_json),
    )
    alike: dict[tuple[Part, Selection], list[Question]] = defaultdict(list)
    for one in dict.fromkeys(questions):
        alike[one.part, replace(one.selection, organizers=None)].append(one)
    answers: dict[Question, Any] = {}
    for (part, selection), ones in alike.items():
        answers |= zip(ones, await _READERS[part](moment, selection, ones), strict=True)
    return [answers[one] for one in questions]


async def _heads(moment: FiguresMoment, selection: Selection, questions: Sequence[Question]) -> list[FiguresHead]:
    """Changes behind the projector's place are not counted: the figures are those of just before the first of them."""
    as_of = min(moment.now, moment.uncounted_at or moment.now)
    return [FiguresHead(moment.season(selection), as_of)] * len(questions)


async def _names(
    moment: FiguresMoment,
    selection: Selection,  # noqa: ARG001 - a reader
    questions: Sequence[Question],
) -> list[dict[str, str]]:
    return [moment.names] * len(questions)


async def _cells(moment: FiguresMoment, selection: Selection, questions: Sequence[Question]) -> list[list[Cell]]:
    session, of_days = moment.session, selection.since is not None or selection.until is not None
    values = {**moment.values(selection), **moment.organizers_of(questions, together=False)}
    found: list[dict[tuple[str, str, str], Counts]] = [{} for _ in questions]
    for row in await session.rows(_CELLS_OF_DAYS if of_days else _CELLS, **values):
        found[row.place][row.organizer, row.direction, row.service] = Counts(**people_of(row))
    for seats in await session.rows(_SEATS, now=moment.now, **values):
        key = (seats.organizer, seats.direction, seats.service)
        found[seats.place][key] = replace(found[seats.place].get(key, NOTHING), quota=seats.quota, seated=seats.seated)
    return [
        [
            Cell(organizer, direction, service, counts)
            for (organizer, direction, service), counts in sorted(cells.items())
        ]
        for cells in found
    ]


async def _days(
    moment: FiguresMoment, selection: Selection, questions: Sequence[Question]
) -> list[list[tuple[date, Counts]]]:
    found: list[list[tuple[date, Counts]]] = [[] for _ in questions]
    organizers = moment.organizers_of(questions, together=True)
    for row in await moment.session.rows(_DAYS, **moment.values(selection), **organizers):
        found[row.place].append((row.day, Counts(**people_of(row))))
    return found


async def _deadlines(
    moment: FiguresMoment, selection: Selection, questions: Sequence[Question]
) -> list[list[WaitingPeople]]:
    this_hour = moment.now.replace(minute=0, second=0, microsecond=0)
    found: list[list[WaitingPeople]] = [[] for _ in questions]
    organizers = moment.organizers_of(questions, together=True)
    for row in await moment.session.rows(_DEADLINES, **moment.values(selection), **organizers):
        hours = None if row.verify_by is None else (row.verify_by - this_hour) // HOUR
        found[row.place].append(WaitingPeople(hours, row.waiting))
    return found


async def _overlaps(moment: FiguresMoment, selection: Selection, questions: Sequence[Question]) -> list[Overlaps]:
    """The pairs of which an organizer of the question is one side."""
    found: dict[Question, Overlaps] = {}
    for everybody in (True, False):
        some = [one for one in questions if (one.selection.organizers is None) is everybody]
        found |= zip(some, await _pairs(moment, selection, some, everybody=everybody), strict=True)
    return [found[one] for one in questions]


async def _pairs(
    moment: FiguresMoment, selection: Selection, questions: Sequence[Question], *, everybody: bool
) -> list[Overlaps]:
    if not questions:
        return []
    if everybody:
        asked: dict[str, Any] = ASKED_OF_ALL.of([AskedOfEverybody(place) for place, _ in enumerate(questions)])
    else:
        asked = moment.organizers_of(questions, together=False)
    found: list[list[_PairRow]] = [[] for _ in questions]
    of_pairs = _PAIRS[selection.is_whole_season, everybody]
    for row in await moment.session.rows(of_pairs, most=MOST_PAIRS, **moment.values(selection), **asked):
        found[row.place].append(row)
    return [
        Overlaps(
            rows[0].refused_in_all if rows else 0,
            [Pair(row.holder, row.claimant, row.refused, row.suspected) for row in rows],
        )
        for rows in found
    ]


_READERS: Mapping[Part, Callable[[FiguresMoment, Selection, Sequence[Question]], Awaitable[list[Any]]]] = (
    MappingProxyType(
        {
            Part.HEAD: _heads,
            Part.NAMES: _names,
            Part.CELLS: _cells,
            Part.DAYS: _days,
            Part.DEADLINES: _deadlines,
            Part.OVERLAPS: _overlaps,
            Part.DEPARTURES: departures.pages,
            Part.FILL: departures.fills,
        }
    )
)
