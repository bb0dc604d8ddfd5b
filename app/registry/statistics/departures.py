"""Routes in statistics: page by page in the order of departure, and the fullest and the emptiest of a season."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from app.registry.routes import quota, route
from app.registry.statistics.counting import NOTHING, Counts, Departure, People, RouteFill, people_of
from app.registry.statistics.moment import DAY, KIND, SUMS, FiguresMoment
from app.registry.statistics.questions import Question, Selection
from app.sql import statement

ROUTES_AT_EACH_END = 5
"""So many routes are the fullest, and as many the emptiest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _RouteRow(People):
    route_id: UUID


class _RankedRoute(NamedTuple):
    id: UUID
    rank: int
    limited: int
    full: int


_OF_SOME = """
    (r.organizer_code = ANY(CAST(:organizers AS text[]))
     OR (r.organizer_code IN (SELECT coordinator_code FROM organizer WHERE code = ANY(CAST(:organizers AS text[])))
         AND EXISTS (SELECT FROM tally_route t
                     WHERE t.route_id = r.id AND t.organizer_code = ANY(CAST(:organizers AS text[])))))
"""
_PAGE = f"""
    SELECT r.id FROM route r
    WHERE {KIND.format("r")} AND {{whose}} AND r.merged_into IS NULL
      AND (r.quota IS NOT NULL OR NOT CAST(:with_quota AS boolean))
      AND (CAST(:departs_from AS timestamptz) IS NULL OR r.departs_at >= :departs_from)
      AND (CAST(:after AS uuid) IS NULL
           OR (COALESCE(r.departs_at, 'infinity'), r.id) > (SELECT COALESCE(departs_at, 'infinity'), id FROM route
                                                            WHERE id = :after))
    ORDER BY r.departs_at, r.id LIMIT :first
"""
_PAGE_OF_ALL = statement(_PAGE.format(whose="true"), UUID)
_PAGE_OF_SOME = statement(_PAGE.format(whose=_OF_SOME), UUID)
_ABOARD = statement(
    f"""
    SELECT t.route_id, {SUMS} FROM tally_route t
    WHERE t.route_id = ANY(CAST(:ids AS uuid[])) AND t.organizer_code = ANY(CAST(:organizers AS text[])) AND {DAY}
    GROUP BY 1
    """,
    _RouteRow,
)
_RANKED = f"""
    WITH limited AS (
        SELECT r.id, r.departs_at, r.taken, r.quota + COALESCE(due.seats, 0) AS quota
        FROM route r LEFT JOIN {quota.DUE_SEATS} due ON due.route_id = r.id
        WHERE {KIND.format("r")} AND {{whose}} AND r.merged_into IS NULL AND r.quota + COALESCE(due.seats, 0) > 0
    ), ranked AS (
        SELECT id, row_number() OVER (ORDER BY CAST(taken AS float8) / quota DESC, departs_at, id) AS rank,
               count(*) OVER () AS limited, count(*) FILTER (WHERE taken >= quota) OVER () AS "full"
        FROM limited
    )
    SELECT id, rank, limited, "full" FROM ranked
    WHERE rank <= {ROUTES_AT_EACH_END} OR rank > limited - {ROUTES_AT_EACH_END} ORDER BY rank
"""
_RANKED_OF_ALL = statement(_RANKED.format(whose="true"), _RankedRoute)
_RANKED_OF_SOME = statement(_RANKED.format(whose=_OF_SOME), _RankedRoute)


async def pages(moment: FiguresMoment, selection: Selection, questions: Sequence[Question]) -> list[list[Departure]]:
    return [await _page(moment, selection, one) for one in questions]


async def _page(moment: FiguresMoment, selection: Selection, question: Question) -> list[Departure]:
    assert question.page is not None  # noqa: S101 - this part is asked for by pages
    page = question.page
    ids = await moment.session.rows(
        _PAGE_OF_ALL if question.selection.organizers is None else _PAGE_OF_SOME,
        after=page.after,
        first=page.first,
        departs_from=moment.now if page.upcoming else None,
        with_quota=page.with_quota,
        **_values(moment, selection, question),
    )
    return await _departures(moment, selection, question, ids)


async def fills(moment: FiguresMoment, selection: Selection, questions: Sequence[Question]) -> list[RouteFill]:
    return [await _fill(moment, selection, one) for one in questions]


async def _fill(moment: FiguresMoment, selection: Selection, question: Question) -> RouteFill:
    everybody = question.selection.organizers is None
    values = _values(moment, selection, question)
    ranked = await moment.session.rows(_RANKED_OF_ALL if everybody else _RANKED_OF_SOME, now=moment.now, **values)
    found = await _departures(moment, selection, question, [one.id for one in ranked])
    return RouteFill(
        limited=ranked[0].limited if ranked else 0,
        full=ranked[0].full if ranked else 0,
        fullest=found[:ROUTES_AT_EACH_END],
        emptiest=found[ROUTES_AT_EACH_END:][::-1],
    )


def _values(moment: FiguresMoment, selection: Selection, question: Question) -> dict[str, Any]:
    return {**moment.values(selection), "organizers": moment.organizers(question.selection)}


async def _departures(
    moment: FiguresMoment, selection: Selection, question: Question, ids: Sequence[UUID]
) -> list[Departure]:
    values = _values(moment, selection, question)
    aboard = {row.route_id: Counts(**people_of(row)) for row in await moment.session.rows(_ABOARD, ids=ids, **values)}
    found = await route.by_ids(moment.session, ids, moment.now)
    return [
        Departure(one, replace(aboard.get(one.id, NOTHING), quota=one.quota, seated=one.taken)) for one in found if one
    ]
