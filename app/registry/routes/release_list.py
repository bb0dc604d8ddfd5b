"""The releases of a route: what has been released and what is due, and how what is not due yet is cancelled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, Refusal, RouteUnknown, SeasonClosed, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.routes import quota_releases, route
from app.registry.routes.route import Route
from app.sql import statement


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRelease:
    id: UUID
    route_id: UUID
    seats: int
    due_at: datetime
    daily_id: UUID | None


_OF = statement(
    """
    SELECT one.id, one.route_id, one.seats, one.due_at, one.daily_id
    FROM unnest(CAST(:routes AS uuid[])) AS asked (id)
    JOIN LATERAL (SELECT * FROM quota_release WHERE route_id = asked.id OFFSET 0) one ON true
    ORDER BY one.due_at, one.id
    """,
    ListedRelease,
)
_NEWEST = UUID(int=2**128 - 1)
"""Where a list begins that goes back from the newest release: no release has a greater id."""
_PAGE = statement(
    f"""
    SELECT q.id, q.route_id, q.seats, q.due_at, q.daily_id
    FROM quota_release q JOIN route r ON r.id = q.route_id
    WHERE q.id < coalesce(CAST(:after AS uuid), '{_NEWEST}')
      AND (CAST(:organizer AS text) IS NULL OR r.organizer_code = :organizer)
      AND (CAST(:due AS boolean) IS NULL OR (q.due_at <= :now) = :due)
    ORDER BY q.id DESC LIMIT :most
    """,
    ListedRelease,
)
_ROUTE_OF = statement(
    """
    SELECT route_id FROM quota_release WHERE id = :id
    UNION ALL SELECT route_id FROM quota_release WHERE daily_id = :id
    LIMIT 1
    """,
    UUID,
)
_CANCEL = statement(
    """
    DELETE FROM quota_release
    WHERE (id = :id OR daily_id = :id) AND route_id = :route_id AND released_at IS NULL AND due_at > :now
    RETURNING seats
    """,
    int,
)


async def of_routes(session: Session, routes: Sequence[UUID]) -> list[list[ListedRelease]]:
    """The releases of each of `routes`, in the order in which they are due."""
    found: dict[UUID, list[ListedRelease]] = defaultdict(list)
    for one in await session.rows(_OF, routes=list(set(routes))):
        found[one.route_id].append(one)
    return [found[route_id] for route_id in routes]


async def page(
    session: Session, *, organizer: str | None, due: bool | None, now: datetime, after: UUID | None, first: int
) -> list[ListedRelease]:
    """Up to `first` + 1 releases of all routes, those that were made last first."""
    return await session.rows(_PAGE, organizer=organizer, due=due, now=now, after=after, most=first + 1)


@refuses(SeasonClosed, NotFound, NotYours, InvalidValue)
async def cancel(session: Session, caller: Caller, release_id: UUID, now: datetime) -> Route | Refusal:
    """Cancel a release that is not due yet, or all days of a daily release that are not. Answers the route."""
    route_id = await session.first(_ROUTE_OF, id=release_id)
    if route_id is None:
        return NotFound("id", what="release")
    held = await quota_releases.locked(session, caller, route_id, now)
    if isinstance(held, Refusal):
        return NotFound("id", what="release") if isinstance(held, RouteUnknown) else held
    cancelled = await session.rows(_CANCEL, id=release_id, route_id=route_id, now=now)
    if not cancelled:
        return InvalidValue(
            "id",
            "Tambahan kuota ini sudah berlaku; untuk menurunkan kuota, kirim jumlah kursi negatif.",
            "This release has taken effect; to lower the quota, release a negative number of seats.",
        )
    entry = change_log.Entry(
        kind=ChangeKind.QUOTA_RELEASE_CANCELLED,
        season=held.season,
        organizer=held.organizer,
        route_id=route_id,
        client_id=caller.client_id,
        facts={"release": str(release_id), "was": {"seats": sum(cancelled), "releases": len(cancelled)}},
    )
    await change_log.append(session, [entry], now)
    (left,) = await route.by_ids(session, [route_id], now)
    return left or NotFound("id", what="release")
