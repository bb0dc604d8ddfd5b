"""A departure time that was put right: the no-shows that the wrong time alone caused go back to VERIFIED by themselves.

A wrong time alone caused a no-show that the registry marked by itself, and that would not be due at the new time. The
route is marked when it is saved (`routes.saving`), and the sweep takes the no-shows of marked routes back.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.models.enums import RegistrantStatus
from app.models.statuses import IS_NO_SHOW
from app.registry.registrants import lifecycle, transitions
from app.registry.registrants.transitions import Step
from app.registry.routes import quota
from app.registry.undo import steps_back
from app.registry.undo.ends import LAST_STEP
from app.sql import statement

REASON = "Waktu keberangkatan rute diperbaiki."


class _DeparturePutRight(NamedTuple):
    id: UUID
    put_right_at: datetime


_ROUTES = statement(
    """
    -- OFFSET 0 has PostgreSQL begin with the few routes that are marked. It would else read all routes of a season.
    SELECT r.id, r.put_right_at
    FROM (SELECT id, season, put_right_at FROM route WHERE put_right_at IS NOT NULL OFFSET 0) r
    JOIN season ON season.year = r.season WHERE season.closed_at IS NULL ORDER BY r.put_right_at, r.id LIMIT 1
    """,
    _DeparturePutRight,
)
_NO_SHOWS = statement(
    f"""
    SELECT r.id
    -- OFFSET 0 has PostgreSQL go by the route. With the status, it would also read an index of all who hold their NIK.
    FROM (SELECT id, status, erased_at FROM registrant WHERE route_id = :route OFFSET 0) r
    JOIN LATERAL ({LAST_STEP.format("r.id")}) marked ON marked.client_id IS NULL
    WHERE r.{IS_NO_SHOW} AND r.erased_at IS NULL ORDER BY r.id
    """,
    UUID,
)
_DONE = statement("UPDATE route SET put_right_at = NULL WHERE id = :id AND put_right_at = :put_right_at")


async def take_back(session: Session, now: datetime) -> int:
    """Take back the no-shows of one route whose time was put right. 0: no route is left."""
    route = await session.first(_ROUTES)
    if route is None:
        return 0
    # Routes before registrants: everybody locks in this order.
    await quota.lock(session, [route.id], now)
    ids = await session.rows(_NO_SHOWS, route=route.id)
    states = await lifecycle.lock(session, ids)
    for one in ids:
        state = states[one]
        if state.status == RegistrantStatus.NO_SHOW and not transitions.is_left_behind(state, now):
            step = Step(id=one, to=RegistrantStatus.VERIFIED, reason=REASON)
            steps_back.go_back(step, state, now)
    await lifecycle.write(session, list(states.values()), {}, now)
    return await session.run(_DONE, id=route.id, put_right_at=route.put_right_at)
